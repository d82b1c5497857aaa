import { proveAttack } from "../support/prove-attack.ts";

proveAttack("wasm-loops-forever");
