import { proveAttack } from "../support/prove-attack.ts";

proveAttack("grows-a-table-without-end");
