import { proveAttack } from "../support/prove-attack.ts";

proveAttack("stores-half-a-gigabyte");
