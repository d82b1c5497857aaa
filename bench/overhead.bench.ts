import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { OverheadOrder, OverheadReport } from "./load/overhead-load.ts";
import { nextMessage } from "./next-message.ts";
import type { BenchOptions } from "./options.ts";
import { ARMS, type Arm, type Places } from "./overhead/askers.ts";
import { cpuSecondsOf } from "./processes.ts";
import { type BenchResult, type BenchRow, describeMachine, quantile, round } from "./report.ts";
import { startServer, TOKEN } from "./start-server.ts";

/*
 * What stands between a client and its model costs time: the same answers of the same mock model,
 * fetched directly, through a bare relay that stores nothing, and through the whole program, which
 * stores every turn twice before it says so. Blocks are interleaved forwards and backwards.
 */

const SESSIONS = [1, 50, 200];
const ROUNDS = 5;
const BLOCK_MS = 2_000;
const WAKE_MS = 200;
const WARM_UP_MS = 3_000;
const WARM_UP_SESSIONS = 50;

type Blocks = Map<string, MeasuredBlock[]>;

interface MeasuredBlock extends OverheadReport {
  readonly cpuSeconds: number;
}

interface Setup {
  readonly load: ChildProcess;
  /** The process that stands between client and model, where there is one. */
  readonly pids: Readonly<Partial<Record<Arm, number | undefined>>>;
}

/** Runs the benchmark: about three minutes. */
export async function run({ scale, store }: BenchOptions): Promise<BenchResult> {
  if (store !== "sqlite") throw new RangeError(`Cannot run on store "${store}": expected sqlite`);
  const children: ChildProcess[] = [];
  try {
    const model = await start(children, "overhead/mock-model.ts");
    const relay = await start(children, "overhead/relay.ts", model.said);
    const server = await startServer({
      NEXFLOW_MODEL: "openai/mock",
      OPENAI_API_KEY: "mock",
      OPENAI_BASE_URL: model.said,
    });
    try {
      const nexflow = { url: server.url, token: TOKEN };
      const places: Places = { model: model.said, relay: relay.said, nexflow };
      const load = await start(children, "load/overhead-load.ts", JSON.stringify(places));
      const pids = { relay: relay.process.pid, Nexflow: server.pid };
      const blocks = await measureAll({ load: load.process, pids }, scale);
      return {
        name: "overhead",
        method: describe(scale),
        machine: describeMachine(),
        rows: toRows(blocks),
      };
    } finally {
      await server[Symbol.asyncDispose]();
    }
  } finally {
    await Promise.all(children.map(stop));
  }
}

async function start(children: ChildProcess[], file: string, ...args: readonly string[]) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args);
  children.push(child);
  return { process: child, said: String(await nextMessage(child)) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, "exit");
  child.kill();
  await ended;
}

async function measureAll(setup: Setup, scale: number): Promise<Blocks> {
  const blocks: Blocks = new Map();
  const warmUp = { sessions: WARM_UP_SESSIONS, wakeMs: 0, forMs: WARM_UP_MS * scale };
  for (const arm of ARMS) await measureBlock(setup, { arm, ...warmUp });
  for (let at = 0; at < ROUNDS; at += 1) {
    for (const sessions of SESSIONS) {
      for (const arm of at % 2 === 0 ? ARMS : ARMS.toReversed()) {
        const order = { arm, sessions, wakeMs: WAKE_MS * scale, forMs: BLOCK_MS * scale };
        const key = keyOf(arm, sessions);
        blocks.set(key, [...(blocks.get(key) ?? []), await measureBlock(setup, order)]);
      }
    }
  }
  return blocks;
}

async function measureBlock({ load, pids }: Setup, order: OverheadOrder): Promise<MeasuredBlock> {
  const before = await cpuSecondsOf(pids[order.arm]);
  load.send(order);
  const report = (await nextMessage(load)) as OverheadReport;
  return { ...report, cpuSeconds: (await cpuSecondsOf(pids[order.arm])) - before };
}

function toRows(blocks: Blocks): BenchRow[] {
  return SESSIONS.flatMap((sessions) => {
    const of = (arm: Arm) => blocks.get(keyOf(arm, sessions)) ?? [];
    const direct = of("raw HTTP");
    const relayRate = medianOf(of("relay"), rateOf);
    return ARMS.map((arm) => ({ sessions, arm, ...toRow(of(arm), direct, relayRate) }));
  });
}

function toRow(
  own: readonly MeasuredBlock[],
  direct: readonly MeasuredBlock[],
  relayRate: number,
): BenchRow {
  const added = (share: number, of: "firstTokenMs" | "turnMs") => {
    const base = medianOf(direct, (block) => quantile(block[of], 0.5));
    return round(medianOf(own, (block) => quantile(block[of], share)) - base);
  };
  return {
    "first token p50 ms": round(medianOf(own, ({ firstTokenMs }) => quantile(firstTokenMs, 0.5))),
    "added p50": added(0.5, "firstTokenMs"),
    "added p99": added(0.99, "firstTokenMs"),
    "turn p50 ms": round(medianOf(own, ({ turnMs }) => quantile(turnMs, 0.5))),
    "turn added p50": added(0.5, "turnMs"),
    "turn added p99": added(0.99, "turnMs"),
    "turns/s": Math.round(medianOf(own, rateOf)),
    "of relay": `${Math.round((100 * medianOf(own, rateOf)) / relayRate)} %`,
    "CPU ms/turn": round(medianOf(own, (block) => (block.cpuSeconds * 1_000) / block.allTurns)),
    turns: sum(own, ({ allTurns }) => allTurns),
    failed: sum(own, ({ failed }) => failed),
    why: [...new Set(own.flatMap(({ reasons }) => Object.keys(reasons)))].join(", "),
  };
}

function keyOf(arm: Arm, sessions: number): string {
  return `${arm} ${sessions}`;
}

function rateOf({ turns, seconds }: MeasuredBlock): number {
  return turns / seconds;
}

function medianOf(blocks: readonly MeasuredBlock[], of: (block: MeasuredBlock) => number): number {
  return quantile(blocks.map(of), 0.5);
}

function sum(blocks: readonly MeasuredBlock[], of: (block: MeasuredBlock) => number): number {
  return blocks.reduce((total, block) => total + of(block), 0);
}

function describe(scale: number): string {
  return (
    `closed loop, one turn at a time in each session, conversations of 20 turns; ${ROUNDS} rounds of ` +
    `${(BLOCK_MS * scale) / 1_000} s a block, arms interleaved forwards and backwards, medians over rounds; ` +
    "the mock model (20 tokens, a packet each), relay, Nexflow (SQLite, synchronous=FULL) and the client " +
    "are processes on the same machine; added: over the median of raw HTTP to the mock in the same run, p99 too; " +
    "CPU is that of the relay's or Nexflow's processes"
  );
}
