import { proveAttack } from "../support/prove-attack.ts";

proveAttack("tells-users-apart-no-more");
