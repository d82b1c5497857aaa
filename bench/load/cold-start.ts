import process from "node:process";
import type { SkillCode } from "../../runtime/index.ts";
import { createEchoSkill } from "../echo-skill.ts";
import { openBenchRuntime, timeCall } from "../sandbox/bench-runtime.ts";

/*
 * A program that opens a runtime, makes one call of the engine that its argument names, and opens
 * another one for a second call: the first one had to find out what layers the host has.
 */

/** In milliseconds: to the open runtime, and of the call. */
export interface ColdStart {
  readonly openMs: number;
  readonly callMs: number;
}

const skill = createEchoSkill(process.argv[2] as SkillCode["engine"]);
const starts: ColdStart[] = [];
for (let start = 0; start < 2; start += 1) {
  const startedMs = performance.now();
  const runtime = await openBenchRuntime();
  const openMs = performance.now() - startedMs;
  starts.push({ openMs, callMs: await timeCall(runtime, skill) });
  await runtime.close();
}
process.send?.(starts, () => process.disconnect());
