import type { Attack } from "../attack.ts";
import { all, gives } from "../verify.ts";

const RECUR = `
  let depth = 0;
  const again = { toString() { depth += 1; if (depth < 50) host.log(again); return "at " + depth; } };
  host.log(again);
  return depth;`;

export const callsTheHostFromItsCallbacks: Attack = {
  name: "calls-the-host-from-its-callbacks",
  group: "escape",
  about: "Calls the host again from inside the conversions of a host call",
  source: "isolated-vm tests/async-rentry-deadlock.js",
  skill: { body: RECUR },
  expect: ["ok"],
  verify: all(gives(50), ({ result, hostCalls }) =>
    result.kind === "ok" && hostCalls.length !== 50
      ? `${hostCalls.length} of 50 host calls are on record`
      : undefined,
  ),
};
