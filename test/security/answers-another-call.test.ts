import { proveAttack } from "../support/prove-attack.ts";

proveAttack("answers-another-call");
