import { proveAttack } from "../support/prove-attack.ts";

proveAttack("changes-the-realm-to-catch-the-host");
