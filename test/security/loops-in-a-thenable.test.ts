import { proveAttack } from "../support/prove-attack.ts";

proveAttack("loops-in-a-thenable");
