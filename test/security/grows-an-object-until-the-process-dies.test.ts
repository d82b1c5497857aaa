import { proveAttack } from "../support/prove-attack.ts";

proveAttack("grows-an-object-until-the-process-dies");
