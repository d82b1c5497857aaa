import { proveAttack } from "../support/prove-attack.ts";

proveAttack("starts-without-end");
