import { proveAttack } from "../support/prove-attack.ts";

proveAttack("registers-an-inspector");
