import { proveAttack } from "../support/prove-attack.ts";

proveAttack("flattens-a-rope");
