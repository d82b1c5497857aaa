import { createEchoSkill } from "../echo-skill.ts";
import { openBenchRuntime, timeCall } from "./bench-runtime.ts";
import { type Sample, scaled } from "./sample.ts";

const STARTS = 10;

/** From `openRuntime` to the first answer; nothing of an earlier runtime is left. */
export async function measureColdStart(scale: number): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  for (const engine of ["wasm", "isolate"] as const) {
    const openedMs: number[] = [];
    const answeredMs: number[] = [];
    for (let start = 0; start < scaled(STARTS, scale); start += 1) {
      const startedMs = performance.now();
      const runtime = await openBenchRuntime();
      openedMs.push(performance.now() - startedMs);
      await timeCall(runtime, createEchoSkill(engine));
      answeredMs.push(performance.now() - startedMs);
      await runtime.close();
    }
    samples.push(
      { what: `openRuntime, before ${engine}`, unit: "ms", values: openedMs },
      { what: `openRuntime to the first ${engine} answer`, unit: "ms", values: answeredMs },
    );
  }
  return samples;
}
