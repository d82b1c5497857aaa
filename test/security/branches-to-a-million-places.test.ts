import { proveAttack } from "../support/prove-attack.ts";

proveAttack("branches-to-a-million-places");
