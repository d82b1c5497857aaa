import { proveAttack } from "../support/prove-attack.ts";

proveAttack("has-half-a-million-functions");
