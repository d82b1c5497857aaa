import type { ProcessStats, Runtime } from "../../runtime/index.ts";
import { createEchoSkill } from "../echo-skill.ts";
import { descendantsOf, privateMiBOf, pssMiBOf } from "../processes.ts";
import { openBenchRuntime, timeCall } from "./bench-runtime.ts";
import { type Sample, scaled } from "./sample.ts";

const SPARES = 4;
const CALLS = 500;

/** What a sandbox process holds before its first call, and after some hundred. */
export async function measureSpareMemory(scale: number): Promise<readonly Sample[]> {
  const runtime = await openBenchRuntime({ minProcesses: SPARES, maxProcesses: SPARES });
  try {
    const spare = runtime.stats().processes;
    const samples = [
      await sampleOf("spare process, its share (PSS)", spare, pssMiBOf),
      await sampleOf("spare process, its own pages", spare, privateMiBOf),
    ];
    for (const engine of ["wasm", "isolate"] as const) {
      const skill = createEchoSkill(engine);
      for (let call = 0; call < scaled(CALLS, scale); call += 1) await timeCall(runtime, skill);
      const used = workedOf(runtime);
      const what = `process after ${scaled(CALLS, scale)} calls of ${engine}, its share (PSS)`;
      samples.push(await sampleOf(what, used, pssMiBOf));
    }
    return samples;
  } finally {
    await runtime.close();
  }
}

/** The process that has done the most. */
function workedOf(runtime: Runtime): readonly ProcessStats[] {
  return runtime
    .stats()
    .processes.toSorted((one, other) => other.calls - one.calls)
    .slice(0, 1);
}

/** A process with those that it was started through, where there are such. */
async function sampleOf(
  what: string,
  processes: readonly ProcessStats[],
  heldBy: (pid: number) => Promise<number>,
): Promise<Sample> {
  const values = processes.map(async ({ pid }) => {
    const held = await Promise.all([pid, ...(await descendantsOf(pid))].map(heldBy));
    return held.reduce((sum, each) => sum + each, 0);
  });
  return { what, unit: "MiB", values: await Promise.all(values) };
}
