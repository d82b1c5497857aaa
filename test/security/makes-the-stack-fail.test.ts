import { proveAttack } from "../support/prove-attack.ts";

proveAttack("makes-the-stack-fail");
