import { proveAttack } from "../support/prove-attack.ts";

proveAttack("asks-for-the-network-unasked");
