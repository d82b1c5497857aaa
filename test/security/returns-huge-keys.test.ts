import { proveAttack } from "../support/prove-attack.ts";

proveAttack("returns-huge-keys");
