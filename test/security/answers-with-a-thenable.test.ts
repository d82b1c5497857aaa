import { proveAttack } from "../support/prove-attack.ts";

proveAttack("answers-with-a-thenable");
