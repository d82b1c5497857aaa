import v8 from "node:v8";
import vm from "node:vm";
import { expect, test } from "vitest";
import { createEchoSkill, ECHO } from "../../../bench/echo-skill.ts";
import { openRuntime, type Runtime } from "../../../runtime/index.ts";
import { POLICY_DIR } from "../../support/policy-dir.ts";

const WARM_UP_CALLS = 4_000;
const CALLS = 20_000;
const CALLERS = 16;
/** 100 bytes kept of each call would be 2 MB. */
const MOST_GROWN_BYTES = 1_500_000;

test("the server's memory does not grow with the number of calls", async () => {
  await using runtime = await openRuntime({ policyDir: POLICY_DIR });
  const { signal } = new AbortController();
  await callMany(runtime, WARM_UP_CALLS, signal);
  const before = heapBytes();
  await callMany(runtime, CALLS, signal);
  expect(heapBytes() - before).toBeLessThan(MOST_GROWN_BYTES);
});

/** All with one signal, as the calls of a long turn have: what listens to it must let go. */
async function callMany(runtime: Runtime, count: number, signal: AbortSignal): Promise<void> {
  const skill = createEchoSkill("wasm");
  let left = count;
  const caller = async () => {
    while (left > 0) {
      left -= 1;
      const result = await runtime.invoke({ skill, ...ECHO, userId: "alice" }, signal);
      if (result.kind === "error") throw new Error(result.error.message);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}

function heapBytes(): number {
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc") as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
