import { proveAttack } from "../support/prove-attack.ts";

proveAttack("throws-an-error-with-looping-getters");
