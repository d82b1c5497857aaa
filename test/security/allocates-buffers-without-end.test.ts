import { proveAttack } from "../support/prove-attack.ts";

proveAttack("allocates-buffers-without-end");
