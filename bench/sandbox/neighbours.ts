import type { Runtime, SkillCode } from "../../runtime/index.ts";
import { createBenchSkill, createEchoSkill, rename } from "../echo-skill.ts";
import { quantile } from "../report.ts";
import { invoke, openBenchRuntime, timeCall } from "./bench-runtime.ts";
import type { Sample } from "./sample.ts";

const ROUNDS = 3;
const BLOCK_MS = 1_500;
const ENGINES = ["wasm", "isolate"] as const;
/** Each as the body of a guest that stops at a limit only. */
const STORMS = {
  alone: undefined,
  "while one allocates without end":
    "const kept = []; for (;;) kept.push(new Array(10_000).fill(kept.length));",
  "while one makes garbage without end":
    "for (;;) Array.from({ length: 10_000 }, (_, index) => ({ index }));",
  "while one calls its host without end":
    "for (;;) await Promise.all(Array.from({ length: 4 }, () => host.kv.get('key')));",
} as const;
const STORM_LIMITS = { wallMs: 1_000, cpuMs: 1_000, memoryMiB: 32 };

/** A neighbour's calls, one after the other, while a guest of another user does its worst. */
export async function measureNeighbours(scale: number): Promise<readonly Sample[]> {
  const runtime = await openBenchRuntime();
  const blocks = new Map<string, number[][]>();
  try {
    for (const engine of ENGINES) await measureBlock(runtime, { engine, forMs: BLOCK_MS * scale });
    for (let at = 0; at < ROUNDS; at += 1) {
      for (const [kind, body] of Object.entries(STORMS)) {
        const storm = body === undefined ? undefined : startStorm(runtime, body);
        for (const engine of ENGINES) {
          const tookMs = await measureBlock(runtime, { engine, forMs: BLOCK_MS * scale });
          const what = `${engine} call ${kind}`;
          blocks.set(what, [...(blocks.get(what) ?? []), tookMs]);
        }
        await storm?.stop();
      }
    }
  } finally {
    await runtime.close();
  }
  return [...blocks].map(([what, times]) => ({ what, unit: "ms", values: middleOf(times) }));
}

interface Block {
  readonly engine: SkillCode["engine"];
  readonly forMs: number;
}

async function measureBlock(runtime: Runtime, { engine, forMs }: Block): Promise<number[]> {
  const skill = createEchoSkill(engine);
  const endMs = performance.now() + forMs;
  const tookMs: number[] = [];
  do tookMs.push(await timeCall(runtime, skill, "alice"));
  while (performance.now() < endMs);
  return tookMs;
}

interface Storm {
  /** Resolves when its last call has ended. Rejects when a call ended otherwise than by a limit. */
  stop(): Promise<void>;
}

let storms = 0;

function startStorm(runtime: Runtime, body: string): Storm {
  const base = createBenchSkill(
    "storm",
    `export async function run(tool, input, host) { ${body} }`,
  );
  const skill: SkillCode = { ...base, trust: "verified", limits: STORM_LIMITS };
  const stopped = new AbortController();
  const rage = async () => {
    while (!stopped.signal.aborted) {
      storms += 1;
      const result = await invoke(runtime, rename(skill, `storm-${storms}`), "mallory");
      if (result.kind === "error" && LIMIT_CODES.has(result.error.code)) continue;
      throw new Error(`Cannot measure: the storm ended with ${JSON.stringify(result)}`);
    }
  };
  const raging = rage();
  raging.catch(() => undefined);
  return {
    stop: async () => {
      stopped.abort();
      await raging;
    },
  };
}

const LIMIT_CODES: ReadonlySet<string> = new Set([
  "wall-time",
  "cpu-time",
  "memory",
  "crashed",
  "host-calls",
  "host-call-rate",
  "host-call-concurrency",
]);

/** The block of the median p99. */
function middleOf(blocks: readonly number[][]): readonly number[] {
  const sorted = blocks.toSorted((one, other) => quantile(one, 0.99) - quantile(other, 0.99));
  return sorted[Math.floor(sorted.length / 2)] ?? [];
}
