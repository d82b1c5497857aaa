import { proveAttack } from "../support/prove-attack.ts";

proveAttack("waits-for-a-drip");
