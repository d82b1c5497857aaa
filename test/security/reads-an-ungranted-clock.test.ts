import { proveAttack } from "../support/prove-attack.ts";

proveAttack("reads-an-ungranted-clock");
