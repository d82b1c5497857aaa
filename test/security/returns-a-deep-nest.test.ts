import { proveAttack } from "../support/prove-attack.ts";

proveAttack("returns-a-deep-nest");
