import { proveAttack } from "../support/prove-attack.ts";

proveAttack("waits-by-wasi");
