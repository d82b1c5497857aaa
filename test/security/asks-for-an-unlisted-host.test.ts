import { proveAttack } from "../support/prove-attack.ts";

proveAttack("asks-for-an-unlisted-host");
