import { proveAttack } from "../support/prove-attack.ts";

proveAttack("reaches-for-the-host");
