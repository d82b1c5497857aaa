import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { LoadOrder, LoadReport } from "./load/skill-load.ts";
import { nextMessage } from "./next-message.ts";
import type { BenchOptions } from "./options.ts";
import { ARMS } from "./peers/arms.ts";
import { descendantsOf, pssMiBOf } from "./processes.ts";
import { type BenchResult, type BenchRow, describeMachine, quantile, round } from "./report.ts";

/*
 * The same call in every way people run a guest's code today. Each arm has a load process of its
 * own, so that no heap and no pool is another's; blocks are interleaved forwards and backwards.
 */

const ROUNDS = 3;
const BLOCK_MS = 1_000;
const WAKE_MS = 100;
const WARM_UP_MS = 2_000;
const LOADS: Readonly<Record<string, Pick<LoadOrder, "concurrency" | "everyMs">>> = {
  "1": { concurrency: 1 },
  "8": { concurrency: 8 },
  "32": { concurrency: 32 },
  "1, paced": { concurrency: 1, everyMs: 5 },
};
const LOAD = fileURLToPath(new URL("load/skill-load.ts", import.meta.url));
const PEERS = fileURLToPath(new URL("peers/node_modules", import.meta.url));

/** Runs the benchmark: about two minutes. */
export async function run({ scale }: BenchOptions): Promise<BenchResult> {
  const hasPeers = existsSync(PEERS);
  const names = Object.keys(ARMS).filter((name) => hasPeers || ARMS[name]?.isPeer === false);
  const arms = await Promise.all(names.map(openArm));
  try {
    for (const arm of arms)
      await measure(arm, { concurrency: 8, wakeMs: 0, forMs: WARM_UP_MS * scale });
    for (let at = 0; at < ROUNDS; at += 1) {
      for (const load of Object.keys(LOADS)) {
        for (const arm of at % 2 === 0 ? arms : arms.toReversed()) {
          await measureBlock(arm, load, scale);
        }
      }
    }
    return {
      name: "skill",
      method: describe(hasPeers, scale),
      machine: describeMachine(),
      rows: (await Promise.all(arms.map(toRows))).flat(),
    };
  } finally {
    await Promise.all(arms.map(closeArm));
  }
}

interface MeasuredArm {
  readonly name: string;
  readonly process: ChildProcess;
  readonly blocks: Map<string, LoadReport[]>;
}

async function openArm(name: string): Promise<MeasuredArm> {
  // isolated-vm wants the flag; for the others it changes nothing but their start.
  const child = fork(LOAD, [name], { execArgv: ["--no-node-snapshot"] });
  await nextMessage(child);
  return { name, process: child, blocks: new Map() };
}

async function closeArm({ process: child }: MeasuredArm): Promise<void> {
  if (!child.connected) return;
  const ended = once(child, "exit");
  child.send("end");
  await ended;
}

async function measureBlock(arm: MeasuredArm, load: string, scale: number): Promise<void> {
  const order = LOADS[load];
  if (order === undefined) throw new RangeError(`Cannot measure load "${load}": there is none`);
  const times = { wakeMs: WAKE_MS * scale, forMs: BLOCK_MS * scale };
  const report = await measure(arm, { ...order, ...times });
  arm.blocks.set(load, [...(arm.blocks.get(load) ?? []), report]);
}

async function measure({ process: child }: MeasuredArm, order: LoadOrder) {
  child.send(order);
  return (await nextMessage(child)) as LoadReport;
}

async function toRows({ name, process: child, blocks }: MeasuredArm): Promise<readonly BenchRow[]> {
  const pids = await descendantsOf(child.pid ?? 0);
  const heldMiB = (await Promise.all(pids.map(pssMiBOf))).reduce((sum, each) => sum + each, 0);
  return [...blocks].map(([load, reports]) => {
    const middle = (valueOf: (report: LoadReport) => number) => quantile(reports.map(valueOf), 0.5);
    return {
      arm: name,
      concurrency: load,
      "calls/s": Math.round(middle(({ callsPerSecond }) => callsPerSecond)),
      "p50 ms": round(
        middle(({ p50Ms }) => p50Ms),
        3,
      ),
      "p99 ms": round(
        middle(({ p99Ms }) => p99Ms),
        3,
      ),
      "fresh state": yesOrNo(ARMS[name]?.isFresh),
      "survives a hostile guest": yesOrNo(ARMS[name]?.isApart),
      "its processes MiB": Math.round(heldMiB),
    };
  });
}

function yesOrNo(is: boolean | undefined): string {
  return is === true ? "yes" : "no";
}

function describe(hasPeers: boolean, scale: number): string {
  const method =
    '{"text":"hello"} in and out; closed loop; "paced": one call every 5 ms, as a chat makes ' +
    `them; ${ROUNDS} interleaved blocks of ${BLOCK_MS * scale} ms for each row after ${WAKE_MS * scale} ms to wake up, medians; a load ` +
    "process for each arm; a call waits in line behind those made before it; ours also checks both " +
    "schemas, decides by policy and meters; workerd answers raw HTTP over kept-alive sockets from one " +
    "isolate that all calls share; a spawned node survives its guest but gives it every right of " +
    "its user; memory is PSS of the processes beside the load's own";
  if (hasPeers) return method;
  return `${method}; quickjs-emscripten and workerd are not installed: npm ci --prefix bench/peers`;
}
