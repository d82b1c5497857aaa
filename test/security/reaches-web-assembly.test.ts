import { proveAttack } from "../support/prove-attack.ts";

proveAttack("reaches-web-assembly");
