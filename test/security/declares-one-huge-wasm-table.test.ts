import { proveAttack } from "../support/prove-attack.ts";

proveAttack("declares-one-huge-wasm-table");
