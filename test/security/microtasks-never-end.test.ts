import { proveAttack } from "../support/prove-attack.ts";

proveAttack("microtasks-never-end");
