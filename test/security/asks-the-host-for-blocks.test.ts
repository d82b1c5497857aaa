import { proveAttack } from "../support/prove-attack.ts";

proveAttack("asks-the-host-for-blocks");
