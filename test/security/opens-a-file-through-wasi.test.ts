import { proveAttack } from "../support/prove-attack.ts";

proveAttack("opens-a-file-through-wasi");
