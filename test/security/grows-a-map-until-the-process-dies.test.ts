import { proveAttack } from "../support/prove-attack.ts";

proveAttack("grows-a-map-until-the-process-dies");
