import { proveAttack } from "../support/prove-attack.ts";

proveAttack("imports-node-modules");
