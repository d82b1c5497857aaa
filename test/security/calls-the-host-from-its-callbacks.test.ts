import { proveAttack } from "../support/prove-attack.ts";

proveAttack("calls-the-host-from-its-callbacks");
