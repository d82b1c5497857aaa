import { proveAttack } from "../support/prove-attack.ts";

proveAttack("asks-without-waiting");
