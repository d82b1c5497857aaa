import { proveAttack } from "../support/prove-attack.ts";

proveAttack("formats-the-present-moment");
