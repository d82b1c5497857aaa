import { proveAttack } from "../support/prove-attack.ts";

proveAttack("leaves-matches-of-a-pattern");
