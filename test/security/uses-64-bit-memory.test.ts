import { proveAttack } from "../support/prove-attack.ts";

proveAttack("uses-64-bit-memory");
