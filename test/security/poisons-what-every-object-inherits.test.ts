import { proveAttack } from "../support/prove-attack.ts";

proveAttack("poisons-what-every-object-inherits");
