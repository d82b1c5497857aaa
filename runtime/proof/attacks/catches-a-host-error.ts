import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const PROBE = `
  try { host.now(); } catch (error) {
    const realm = error.constructor.constructor("return globalThis")();
    return [error instanceof Error, realm === globalThis, Object.keys(error), error.stack.includes("/")];
  }`;

export const catchesAHostError: Attack = {
  name: "catches-a-host-error",
  group: "escape",
  about: "Catches a refused host call and climbs from the error's constructor",
  source: "vm2 GHSA-x6m4-chr9-cg97",
  skill: { body: PROBE, capabilities: {} },
  expect: ["ok"],
  verify: gives([true, true, [], false]),
};
