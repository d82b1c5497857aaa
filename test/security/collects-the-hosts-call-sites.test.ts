import { proveAttack } from "../support/prove-attack.ts";

proveAttack("collects-the-hosts-call-sites");
