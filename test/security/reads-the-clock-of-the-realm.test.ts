import { proveAttack } from "../support/prove-attack.ts";

proveAttack("reads-the-clock-of-the-realm");
