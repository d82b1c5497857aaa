import { proveAttack } from "../support/prove-attack.ts";

proveAttack("sends-too-much");
