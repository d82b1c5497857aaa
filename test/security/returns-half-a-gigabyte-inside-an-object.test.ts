import { proveAttack } from "../support/prove-attack.ts";

proveAttack("returns-half-a-gigabyte-inside-an-object");
