import { proveAttack } from "../support/prove-attack.ts";

proveAttack("writes-past-its-memory-through-wasi");
