import { proveAttack } from "../support/prove-attack.ts";

proveAttack("floods-the-network");
