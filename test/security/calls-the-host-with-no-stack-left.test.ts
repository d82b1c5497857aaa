import { proveAttack } from "../support/prove-attack.ts";

proveAttack("calls-the-host-with-no-stack-left");
