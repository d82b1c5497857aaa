import { proveAttack } from "../support/prove-attack.ts";

proveAttack("fills-a-billion-slots");
