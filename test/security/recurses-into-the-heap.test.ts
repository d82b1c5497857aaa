import { proveAttack } from "../support/prove-attack.ts";

proveAttack("recurses-into-the-heap");
