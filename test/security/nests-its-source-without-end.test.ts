import { proveAttack } from "../support/prove-attack.ts";

proveAttack("nests-its-source-without-end");
