import { proveAttack } from "../support/prove-attack.ts";

proveAttack("catches-its-own-end");
