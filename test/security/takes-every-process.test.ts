import { proveAttack } from "../support/prove-attack.ts";

proveAttack("takes-every-process");
