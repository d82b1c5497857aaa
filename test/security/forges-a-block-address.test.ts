import { proveAttack } from "../support/prove-attack.ts";

proveAttack("forges-a-block-address");
