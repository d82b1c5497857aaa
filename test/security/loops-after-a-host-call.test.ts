import { proveAttack } from "../support/prove-attack.ts";

proveAttack("loops-after-a-host-call");
