import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const CLIMB = `
  const reached = [];
  const lookup = {}.__lookupGetter__;
  const toProto = lookup.call(Object.prototype, "__proto__");
  for (const start of [host, host.log, host.now, host.random, input, run, Date, ArrayBuffer, globalThis]) {
    for (let each = start; each !== null && each !== undefined; each = Reflect.apply(toProto, each, [])) {
      const make = each.constructor?.constructor;
      if (typeof make !== "function") continue;
      if (Reflect.apply(make, undefined, ["return typeof process"])() !== "undefined") reached.push("process");
      if (Reflect.apply(make, undefined, ["return globalThis"])() !== globalThis) reached.push("another realm");
    }
  }
  return reached;`;

export const climbsByLookupGetter: Attack = {
  name: "climbs-by-lookup-getter",
  group: "escape",
  about: "Climbs prototypes with __lookupGetter__, call and apply instead of properties",
  source: "vm2 GHSA-grj5-jjm8-h35p",
  skill: { source: `export async function run(tool, input, host) {${CLIMB}}` },
  expect: ["ok"],
  verify: gives([]),
};
