import { proveAttack } from "../support/prove-attack.ts";

proveAttack("lists-what-the-realm-has");
