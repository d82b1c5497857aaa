import { proveAttack } from "../support/prove-attack.ts";

proveAttack("copies-a-buffer-into-an-array");
