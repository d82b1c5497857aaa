import { proveAttack } from "../support/prove-attack.ts";

proveAttack("waits-through-wasi");
