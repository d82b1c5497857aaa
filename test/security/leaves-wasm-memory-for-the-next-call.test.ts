import { proveAttack } from "../support/prove-attack.ts";

proveAttack("leaves-wasm-memory-for-the-next-call");
