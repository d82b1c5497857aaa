import { proveAttack } from "../support/prove-attack.ts";

proveAttack("returns-what-is-no-json");
