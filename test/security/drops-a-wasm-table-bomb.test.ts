import { proveAttack } from "../support/prove-attack.ts";

proveAttack("drops-a-wasm-table-bomb");
