import { proveAttack } from "../support/prove-attack.ts";

proveAttack("asks-for-what-no-host-has");
