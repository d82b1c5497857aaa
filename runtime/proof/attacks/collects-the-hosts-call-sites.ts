import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const COLLECT = `
  const seen = [];
  const collect = (_error, sites) => {
    for (const site of sites) {
      for (const value of [site.getThis(), site.getFunction()]) if (value !== undefined) seen.push("an object");
      const file = String(site.getFileName());
      if (file.includes("/") || file.includes("node:")) seen.push(file);
    }
    return "";
  };
  Error.prepareStackTrace = collect;
  Error.stackTraceLimit = 1_000;
  const spy = { toString() { new Error().stack; return "text"; } };
  try { host.log(spy); } catch {}
  try { host.log(Symbol()); } catch (error) { error.stack; }
  try { host.random.call(null, spy); } catch {}
  await null;
  new Error().stack;
  globalThis.Error = class { static prepareStackTrace = collect; };
  try { null.x; } catch (error) { error.stack; }
  return seen;`;

export const collectsTheHostsCallSites: Attack = {
  name: "collects-the-hosts-call-sites",
  group: "escape",
  about: "Collects the call sites below its own to reach the host's functions and files",
  source: "vm2 CVE-2022-36067",
  skill: { body: COLLECT },
  expect: ["ok"],
  verify: gives([]),
};
