import { proveAttack } from "../support/prove-attack.ts";

proveAttack("overflows-the-wasm-stack");
