import { proveAttack } from "../support/prove-attack.ts";

proveAttack("writes-a-number-without-end");
