import { proveAttack } from "../support/prove-attack.ts";

proveAttack("catches-host-errors-in-wasm");
