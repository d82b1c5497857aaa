import { proveAttack } from "../support/prove-attack.ts";

proveAttack("traps-what-the-realm-guards");
