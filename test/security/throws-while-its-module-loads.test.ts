import { proveAttack } from "../support/prove-attack.ts";

proveAttack("throws-while-its-module-loads");
