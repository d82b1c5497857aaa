import { proveAttack } from "../support/prove-attack.ts";

proveAttack("allocates-tiny-wasm-blocks-without-end");
