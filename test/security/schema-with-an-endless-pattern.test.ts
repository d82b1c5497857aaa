import { proveAttack } from "../support/prove-attack.ts";

proveAttack("schema-with-an-endless-pattern");
