import { proveAttack } from "../support/prove-attack.ts";

proveAttack("leaves-state-for-the-next-call");
