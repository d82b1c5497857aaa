import { proveAttack } from "../support/prove-attack.ts";

proveAttack("rebinds-a-name");
