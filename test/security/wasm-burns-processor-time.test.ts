import { proveAttack } from "../support/prove-attack.ts";

proveAttack("wasm-burns-processor-time");
