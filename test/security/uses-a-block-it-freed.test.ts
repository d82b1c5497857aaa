import { proveAttack } from "../support/prove-attack.ts";

proveAttack("uses-a-block-it-freed");
