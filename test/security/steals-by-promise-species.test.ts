import { proveAttack } from "../support/prove-attack.ts";

proveAttack("steals-by-promise-species");
