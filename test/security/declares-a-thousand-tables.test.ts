import { proveAttack } from "../support/prove-attack.ts";

proveAttack("declares-a-thousand-tables");
