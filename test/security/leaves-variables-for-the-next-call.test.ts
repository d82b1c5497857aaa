import { proveAttack } from "../support/prove-attack.ts";

proveAttack("leaves-variables-for-the-next-call");
