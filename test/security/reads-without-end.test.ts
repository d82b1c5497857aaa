import { proveAttack } from "../support/prove-attack.ts";

proveAttack("reads-without-end");
