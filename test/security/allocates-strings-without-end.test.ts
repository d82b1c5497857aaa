import { proveAttack } from "../support/prove-attack.ts";

proveAttack("allocates-strings-without-end");
