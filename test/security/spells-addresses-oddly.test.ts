import { proveAttack } from "../support/prove-attack.ts";

proveAttack("spells-addresses-oddly");
