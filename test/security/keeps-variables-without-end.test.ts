import { proveAttack } from "../support/prove-attack.ts";

proveAttack("keeps-variables-without-end");
