import { proveAttack } from "../support/prove-attack.ts";

proveAttack("catches-a-host-error");
