import { proveAttack } from "../support/prove-attack.ts";

proveAttack("reads-a-secret-from-a-response");
