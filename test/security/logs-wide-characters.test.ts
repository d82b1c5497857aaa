import { proveAttack } from "../support/prove-attack.ts";

proveAttack("logs-wide-characters");
