import { proveAttack } from "../support/prove-attack.ts";

proveAttack("hides-a-host-in-a-url");
