import { proveAttack } from "../support/prove-attack.ts";

proveAttack("plugin-returns-a-json-bomb");
