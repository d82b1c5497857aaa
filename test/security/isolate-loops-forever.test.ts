import { proveAttack } from "../support/prove-attack.ts";

proveAttack("isolate-loops-forever");
