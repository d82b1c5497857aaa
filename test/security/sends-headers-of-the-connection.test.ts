import { proveAttack } from "../support/prove-attack.ts";

proveAttack("sends-headers-of-the-connection");
