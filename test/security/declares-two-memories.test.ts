import { proveAttack } from "../support/prove-attack.ts";

proveAttack("declares-two-memories");
