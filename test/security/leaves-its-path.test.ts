import { proveAttack } from "../support/prove-attack.ts";

proveAttack("leaves-its-path");
