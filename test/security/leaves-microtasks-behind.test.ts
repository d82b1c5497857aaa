import { proveAttack } from "../support/prove-attack.ts";

proveAttack("leaves-microtasks-behind");
