import { proveAttack } from "../support/prove-attack.ts";

proveAttack("finds-old-bytes-in-new-memory");
