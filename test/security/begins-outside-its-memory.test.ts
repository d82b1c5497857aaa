import { proveAttack } from "../support/prove-attack.ts";

proveAttack("begins-outside-its-memory");
