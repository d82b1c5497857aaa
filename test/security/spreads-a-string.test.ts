import { proveAttack } from "../support/prove-attack.ts";

proveAttack("spreads-a-string");
