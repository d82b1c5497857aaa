import { proveAttack } from "../support/prove-attack.ts";

proveAttack("is-redirected-for-ever");
