import { proveAttack } from "../support/prove-attack.ts";

proveAttack("sends-what-is-no-text");
