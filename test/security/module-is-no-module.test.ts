import { proveAttack } from "../support/prove-attack.ts";

proveAttack("module-is-no-module");
