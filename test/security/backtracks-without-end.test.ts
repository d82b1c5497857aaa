import { proveAttack } from "../support/prove-attack.ts";

proveAttack("backtracks-without-end");
