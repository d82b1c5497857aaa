import { proveAttack } from "../support/prove-attack.ts";

proveAttack("is-no-tool");
