import { proveAttack } from "../support/prove-attack.ts";

proveAttack("reads-another-users-values");
