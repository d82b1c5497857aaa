import { proveAttack } from "../support/prove-attack.ts";

proveAttack("asks-for-another-port-or-method");
