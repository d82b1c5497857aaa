import { proveAttack } from "../support/prove-attack.ts";

proveAttack("loops-as-it-loads");
