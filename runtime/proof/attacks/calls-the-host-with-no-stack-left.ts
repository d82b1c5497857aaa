import type { Attack } from "../attack.ts";
import { all, neverGives } from "../verify.ts";

const DIVE = `
  const seen = [];
  function dive(depth) {
    if (depth > 0) return dive(depth - 1);
    try { host.now(); } catch (error) { seen.push(error.stack, error instanceof Error); }
  }
  for (let depth = 1_000; depth < 20_000; depth += 100) try { dive(depth); } catch {}
  return seen;`;

export const callsTheHostWithNoStackLeft: Attack = {
  name: "calls-the-host-with-no-stack-left",
  group: "escape",
  about: "Overflows the stack inside host calls to read the host's files from the error",
  source: "vm2 CVE-2019-10761",
  skill: { body: DIVE },
  expect: ["ok"],
  verify: all(neverGives(/file:|\.ts|node:|false/u), ({ result }) =>
    result.kind === "ok" && !JSON.stringify(result.output).includes("true")
      ? "no call met the end of the stack"
      : undefined,
  ),
};
