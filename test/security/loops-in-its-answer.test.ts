import { proveAttack } from "../support/prove-attack.ts";

proveAttack("loops-in-its-answer");
