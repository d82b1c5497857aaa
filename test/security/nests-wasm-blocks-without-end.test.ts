import { proveAttack } from "../support/prove-attack.ts";

proveAttack("nests-wasm-blocks-without-end");
