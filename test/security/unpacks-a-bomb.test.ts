import { proveAttack } from "../support/prove-attack.ts";

proveAttack("unpacks-a-bomb");
