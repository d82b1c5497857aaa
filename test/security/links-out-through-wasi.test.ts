import { proveAttack } from "../support/prove-attack.ts";

proveAttack("links-out-through-wasi");
