import { proveAttack } from "../support/prove-attack.ts";

proveAttack("dies-again-and-again");
