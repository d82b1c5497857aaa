import { proveAttack } from "../support/prove-attack.ts";

proveAttack("guesses-random-numbers");
