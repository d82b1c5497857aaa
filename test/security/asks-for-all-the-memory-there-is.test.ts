import { proveAttack } from "../support/prove-attack.ts";

proveAttack("asks-for-all-the-memory-there-is");
