import { proveAttack } from "../support/prove-attack.ts";

proveAttack("storms-the-memory");
