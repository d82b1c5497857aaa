import { proveAttack } from "../support/prove-attack.ts";

proveAttack("returns-by-to-json");
