import { proveAttack } from "../support/prove-attack.ts";

proveAttack("imports-by-every-door");
