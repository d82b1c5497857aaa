import { readdir } from "node:fs/promises";
import process from "node:process";
import v8 from "node:v8";
import vm from "node:vm";
import type { InvokeResult, Runtime, SkillCode } from "../runtime/index.ts";
import { createBenchSkill, createEchoSkill, encodeLoop, rename } from "./echo-skill.ts";
import type { BenchOptions } from "./options.ts";
import { descendantsOf, pssMiBOf } from "./processes.ts";
import { type BenchResult, type BenchRow, describeMachine, round } from "./report.ts";
import { invoke, openBenchRuntime } from "./sandbox/bench-runtime.ts";
import { scaled } from "./sandbox/sample.ts";

/*
 * Whether anything grows over a hundred thousand calls: memory of this process and of the sandbox
 * processes, handles, timers, open files. Every error and kill is made by a skill of its own, as
 * new to the runtime as an update would be.
 */

const CALLS = 100_000;
const WARM_UP_CALLS = 10_000;
const LOOKS = 5;
const CALLERS = 16;
const ISOLATE_EVERY = 10;
const ERROR_EVERY = 500;
const KILL_EVERY = 2_000;
const KILL_MS = 100;
const MIB = 1_048_576;
const MIN_SANDBOX_MIB = 8;

const echo = { wasm: createEchoSkill("wasm"), isolate: createEchoSkill("isolate") };
const thrower = createBenchSkill("throws", 'export function run() { throw new Error("No"); }');
const looper: SkillCode = {
  ...createBenchSkill("loops", encodeLoop()),
  limits: { wallMs: KILL_MS },
};

/** Runs the benchmark: about a minute. */
export async function run({ scale }: BenchOptions): Promise<BenchResult> {
  const calls = scaled(CALLS, scale);
  const before = await look(0);
  const runtime = await openBenchRuntime({ onCall: () => undefined, onHostCall: () => undefined });
  const looks: Look[] = [];
  try {
    await callMany(runtime, { from: 0, count: scaled(WARM_UP_CALLS, scale) });
    looks.push(await look(0));
    for (let part = 0; part < LOOKS; part += 1) {
      const done = Math.round((calls * part) / LOOKS);
      const count = Math.round((calls * (part + 1)) / LOOKS) - done;
      await callMany(runtime, { from: done, count });
      looks.push(await look(done + count));
    }
  } finally {
    await runtime.close();
  }
  const after = await look(calls);
  return {
    name: "leak",
    method:
      `${calls} calls after ${scaled(WARM_UP_CALLS, scale)} to warm up, ${CALLERS} at a time: 1 in ${ISOLATE_EVERY} ` +
      `in an isolate, the others wasm, 1 in ${ERROR_EVERY} throws, 1 in ${KILL_EVERY} loops until it is killed; ` +
      "looked at after a full collection, while no call runs, and before and after the runtime was open; " +
      "a sandbox's memory is PSS; the last row is the growth from the first call to the last",
    machine: describeMachine(),
    rows: [
      { ...toRow(before), calls: "not open" },
      ...looks.map(toRow),
      { ...toRow(after), calls: "closed" },
      toGrowth(looks),
    ],
  };
}

interface Part {
  readonly from: number;
  readonly count: number;
}

async function callMany(runtime: Runtime, { from, count }: Part): Promise<void> {
  let next = from;
  const caller = async () => {
    while (next < from + count) {
      next += 1;
      await callOnce(runtime, next);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}

let mishaps = 0;

async function callOnce(runtime: Runtime, number: number): Promise<void> {
  if (number % KILL_EVERY === 0) return expectError(runtime, looper, "wall-time");
  if (number % ERROR_EVERY === 0) return expectError(runtime, thrower, "failed");
  const skill = number % ISOLATE_EVERY === 0 ? echo.isolate : echo.wasm;
  const result = await invoke(runtime, skill);
  if (result.kind === "error") fail(skill, result);
}

async function expectError(runtime: Runtime, base: SkillCode, code: string): Promise<void> {
  mishaps += 1;
  const skill = rename(base, `${base.name}-${mishaps}`);
  const result = await invoke(runtime, skill);
  if (result.kind === "ok" || result.error.code !== code) fail(skill, result);
}

function fail({ name }: SkillCode, result: InvokeResult): never {
  throw new Error(`Cannot measure: "${name}" ended with ${JSON.stringify(result)}`);
}

interface Look {
  readonly calls: number;
  readonly rssMiB: number;
  readonly heapMiB: number;
  /** On average. */
  readonly sandboxMiB: number;
  readonly sandboxes: number;
  readonly handles: number;
  readonly timers: number;
  readonly files: number;
}

async function look(calls: number): Promise<Look> {
  collectGarbage();
  const { rss, heapUsed } = process.memoryUsage();
  const pids = await descendantsOf(process.pid);
  const held = await Promise.all(pids.map(pssMiBOf));
  // A process may have been started through another one, which holds next to nothing.
  const sandboxes = held.filter((each) => each > MIN_SANDBOX_MIB).length;
  const resources = process.getActiveResourcesInfo();
  const timers = resources.filter((name) => name === "Timeout").length;
  return {
    calls,
    rssMiB: rss / MIB,
    heapMiB: heapUsed / MIB,
    sandboxMiB: held.reduce((sum, each) => sum + each, 0) / Math.max(1, sandboxes),
    sandboxes,
    handles: resources.length - timers,
    timers,
    files: await countOpenFiles(),
  };
}

function collectGarbage(): void {
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc") as () => void;
  collect();
  collect();
}

async function countOpenFiles(): Promise<number> {
  try {
    return (await readdir("/proc/self/fd")).length;
  } catch {
    return Number.NaN;
  }
}

function toRow({ calls, rssMiB, heapMiB, sandboxMiB, ...counts }: Look): BenchRow {
  return {
    calls: String(calls),
    "RSS MiB": round(rssMiB, 1),
    "heap MiB": round(heapMiB, 1),
    "MiB a sandbox": round(sandboxMiB, 1),
    ...counts,
  };
}

/** From the first look to the last. */
function toGrowth(looks: readonly Look[]): BenchRow {
  const [first, last] = [looks[0], looks.at(-1)];
  if (first === undefined || last === undefined) return {};
  const growthOf = (name: keyof Look) => last[name] - first[name];
  const grown = toRow({
    calls: growthOf("calls"),
    rssMiB: growthOf("rssMiB"),
    heapMiB: growthOf("heapMiB"),
    sandboxMiB: growthOf("sandboxMiB"),
    sandboxes: growthOf("sandboxes"),
    handles: growthOf("handles"),
    timers: growthOf("timers"),
    files: growthOf("files"),
  });
  return { ...grown, calls: "growth" };
}
