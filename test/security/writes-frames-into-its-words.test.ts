import { proveAttack } from "../support/prove-attack.ts";

proveAttack("writes-frames-into-its-words");
