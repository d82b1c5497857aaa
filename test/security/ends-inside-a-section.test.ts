import { proveAttack } from "../support/prove-attack.ts";

proveAttack("ends-inside-a-section");
