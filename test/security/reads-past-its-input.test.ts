import { proveAttack } from "../support/prove-attack.ts";

proveAttack("reads-past-its-input");
