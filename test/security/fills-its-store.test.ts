import { proveAttack } from "../support/prove-attack.ts";

proveAttack("fills-its-store");
