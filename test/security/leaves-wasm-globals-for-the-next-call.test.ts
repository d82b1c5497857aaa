import { proveAttack } from "../support/prove-attack.ts";

proveAttack("leaves-wasm-globals-for-the-next-call");
