import { proveAttack } from "../support/prove-attack.ts";

proveAttack("throws-a-proxy");
