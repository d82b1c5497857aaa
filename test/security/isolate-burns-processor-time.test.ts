import { proveAttack } from "../support/prove-attack.ts";

proveAttack("isolate-burns-processor-time");
