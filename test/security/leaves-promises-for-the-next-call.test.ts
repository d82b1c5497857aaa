import { proveAttack } from "../support/prove-attack.ts";

proveAttack("leaves-promises-for-the-next-call");
