import { proveAttack } from "../support/prove-attack.ts";

proveAttack("opens-files-by-wasi");
