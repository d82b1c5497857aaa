import { proveAttack } from "../support/prove-attack.ts";

proveAttack("declares-locals-without-end");
