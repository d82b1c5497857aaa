import { proveAttack } from "../support/prove-attack.ts";

proveAttack("names-private-addresses");
