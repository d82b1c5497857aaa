import { proveAttack } from "../support/prove-attack.ts";

proveAttack("logs-too-much-at-once");
