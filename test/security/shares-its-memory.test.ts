import { proveAttack } from "../support/prove-attack.ts";

proveAttack("shares-its-memory");
