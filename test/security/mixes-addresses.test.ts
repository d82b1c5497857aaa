import { proveAttack } from "../support/prove-attack.ts";

proveAttack("mixes-addresses");
