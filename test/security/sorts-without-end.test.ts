import { proveAttack } from "../support/prove-attack.ts";

proveAttack("sorts-without-end");
