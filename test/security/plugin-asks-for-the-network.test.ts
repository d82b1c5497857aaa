import { proveAttack } from "../support/prove-attack.ts";

proveAttack("plugin-asks-for-the-network");
