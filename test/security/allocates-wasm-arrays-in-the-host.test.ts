import { proveAttack } from "../support/prove-attack.ts";

proveAttack("allocates-wasm-arrays-in-the-host");
