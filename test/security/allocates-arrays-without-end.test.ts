import { proveAttack } from "../support/prove-attack.ts";

proveAttack("allocates-arrays-without-end");
