import { proveAttack } from "../support/prove-attack.ts";

proveAttack("imports-an-unknown-function");
