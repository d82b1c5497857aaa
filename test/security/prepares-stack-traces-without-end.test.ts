import { proveAttack } from "../support/prove-attack.ts";

proveAttack("prepares-stack-traces-without-end");
