import { proveAttack } from "../support/prove-attack.ts";

proveAttack("promise-never-settles");
