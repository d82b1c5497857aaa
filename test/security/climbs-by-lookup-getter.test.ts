import { proveAttack } from "../support/prove-attack.ts";

proveAttack("climbs-by-lookup-getter");
