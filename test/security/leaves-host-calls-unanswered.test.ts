import { proveAttack } from "../support/prove-attack.ts";

proveAttack("leaves-host-calls-unanswered");
