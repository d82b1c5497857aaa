import { proveAttack } from "../support/prove-attack.ts";

proveAttack("nests-blocks-without-end");
