import { proveAttack } from "../support/prove-attack.ts";

proveAttack("claims-a-billion-functions");
