import { proveAttack } from "../support/prove-attack.ts";

proveAttack("grows-wasm-memory-without-end");
