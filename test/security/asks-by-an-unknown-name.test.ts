import { proveAttack } from "../support/prove-attack.ts";

proveAttack("asks-by-an-unknown-name");
