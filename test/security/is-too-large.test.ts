import { proveAttack } from "../support/prove-attack.ts";

proveAttack("is-too-large");
