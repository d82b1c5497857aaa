import { proveAttack } from "../support/prove-attack.ts";

proveAttack("grows-a-wasm-table-without-end");
