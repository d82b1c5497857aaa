import { proveAttack } from "../support/prove-attack.ts";

proveAttack("makes-functions-of-every-kind");
