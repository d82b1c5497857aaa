import { proveAttack } from "../support/prove-attack.ts";

proveAttack("waits-on-wasm-memory");
