import { proveAttack } from "../support/prove-attack.ts";

proveAttack("prints-a-huge-bigint");
