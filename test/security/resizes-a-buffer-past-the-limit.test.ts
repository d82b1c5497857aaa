import { proveAttack } from "../support/prove-attack.ts";

proveAttack("resizes-a-buffer-past-the-limit");
