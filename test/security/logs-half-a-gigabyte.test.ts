import { proveAttack } from "../support/prove-attack.ts";

proveAttack("logs-half-a-gigabyte");
