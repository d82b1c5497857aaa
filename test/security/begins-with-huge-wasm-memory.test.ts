import { proveAttack } from "../support/prove-attack.ts";

proveAttack("begins-with-huge-wasm-memory");
