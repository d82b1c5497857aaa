import { proveAttack } from "../support/prove-attack.ts";

proveAttack("replaces-into-a-flood");
