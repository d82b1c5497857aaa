import { proveAttack } from "../support/prove-attack.ts";

proveAttack("asks-who-calls-back");
