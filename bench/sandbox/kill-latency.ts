import type { Runtime, SkillCode } from "../../runtime/index.ts";
import { createBenchSkill, encodeLoop } from "../echo-skill.ts";
import { descendantsOf, isAlive } from "../processes.ts";
import { invoke, openBenchRuntime, pause, waitForSpare } from "./bench-runtime.ts";
import { type Sample, scaled } from "./sample.ts";

const GUESTS = 20;
const WALL_MS = 200;
const LOOPS = { isolate: "export function run() { for (;;); }", wasm: encodeLoop() } as const;

/** How long after its deadline a guest that loops still holds its caller, and its process lives. */
export async function measureKillLatency(scale: number): Promise<readonly Sample[]> {
  const runtime = await openBenchRuntime();
  const samples: Sample[] = [];
  try {
    for (const [engine, code] of Object.entries(LOOPS)) {
      const kills: Kill[] = [];
      for (let guest = 0; guest < scaled(GUESTS, scale); guest += 1) {
        // One of its own each time: a skill that is killed again and again is quarantined.
        const skill = createBenchSkill(`loops-${engine}-${guest}`, code);
        kills.push(await killOnce(runtime, { ...skill, limits: { wallMs: WALL_MS } }));
      }
      samples.push(
        toSample(`deadline to result, ${engine} that loops`, kills, "resultMs"),
        toSample(`deadline to dead process, ${engine} that loops`, kills, "deadMs"),
      );
    }
  } finally {
    await runtime.close();
  }
  return samples;
}

interface Kill {
  readonly resultMs: number;
  readonly deadMs: number;
}

async function killOnce(runtime: Runtime, skill: SkillCode): Promise<Kill> {
  await waitForSpare(runtime);
  const deadlineMs = performance.now() + WALL_MS;
  const ended = invoke(runtime, skill).then((result) => {
    if (result.kind === "error" && result.error.code === "wall-time") return performance.now();
    throw new Error(`Cannot measure: the guest that loops ended with ${JSON.stringify(result)}`);
  });
  await pause(WALL_MS / 2);
  const pid = runtime.stats().processes.find(({ state }) => state === "busy")?.pid ?? 0;
  // The process itself and what it was started through.
  const pids = [pid, ...(await descendantsOf(pid))];
  const [resultMs, ...deadMs] = await Promise.all([ended, ...pids.map(timeOfDeath)]);
  return { resultMs: resultMs - deadlineMs, deadMs: Math.max(...deadMs) - deadlineMs };
}

async function timeOfDeath(pid: number): Promise<number> {
  while (await isAlive(pid)) await pause(1);
  return performance.now();
}

function toSample(what: string, kills: readonly Kill[], name: keyof Kill): Sample {
  return { what, unit: "ms", values: kills.map((kill) => kill[name]) };
}
