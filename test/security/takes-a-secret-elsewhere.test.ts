import { proveAttack } from "../support/prove-attack.ts";

proveAttack("takes-a-secret-elsewhere");
