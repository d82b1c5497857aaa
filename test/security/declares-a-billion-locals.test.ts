import { proveAttack } from "../support/prove-attack.ts";

proveAttack("declares-a-billion-locals");
