import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { TurnLoadResult } from "./load/turn-load.ts";
import { descendantsOf } from "./processes.ts";
import { type BenchResult, type BenchRow, describeMachine, quantile, round } from "./report.ts";

/*
 * Durable turns through the whole program: WebSocket, one committed transaction before
 * `accepted`, the agent loop, another before `RUN_FINISHED`. The load is a process of its own on
 * the same machine.
 */

const SESSIONS = [1, 100, 500];
/** With and without a call into the sandbox. */
const TEXTS = { plain: "hello", skill: "/calculator 2+2*3" };
const WARM_UP_MS = 3_000;
const MEASURE_MS = 8_000;
const TOKEN = "bench-admin-token-0123456789";
const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const LOAD = fileURLToPath(new URL("load/turn-load.ts", import.meta.url));
const PINGER = fileURLToPath(new URL("load/ping-load.ts", import.meta.url));
const TICKS_PER_SECOND = 100;

/** Runs the benchmark: about a minute and a half. */
export async function run(): Promise<BenchResult> {
  const rows: BenchRow[] = [];
  for (const [kind, text] of Object.entries(TEXTS)) {
    for (const sessions of SESSIONS) rows.push({ turn: kind, ...(await measure(sessions, text)) });
  }
  return {
    name: "turn",
    method:
      `closed loop, one turn at a time in each session, ${MEASURE_MS / 1_000} s after ` +
      `${WARM_UP_MS / 1_000} s to warm up; a new server and SQLite file (synchronous=FULL) for each row; ` +
      "offline/rules; the load runs on the same machine, the pings come from a process of their own; a turn is from send to RUN_FINISHED; " +
      "CPU is the server's with its sandboxes, of the whole run",
    machine: describeMachine(),
    rows,
  };
}

async function measure(sessions: number, text: string): Promise<BenchRow> {
  const homeDir = await mkdtemp(path.join(tmpdir(), "nexflow-bench-"));
  const server = spawn(process.execPath, [MAIN, "serve", "--json"], {
    env: {
      NEXFLOW_HOME: homeDir,
      NEXFLOW_PORT: "0",
      NEXFLOW_ADMIN_TOKEN: TOKEN,
      NEXFLOW_LOG_LEVEL: "error",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(server, "exit");
  try {
    const url = await readUrl(server.stdout);
    const plan = { url, token: TOKEN, sessions, text, warmUpMs: WARM_UP_MS, measureMs: MEASURE_MS };
    const load = fork(LOAD, [JSON.stringify(plan)]);
    const pinger = fork(PINGER, [JSON.stringify({ url, token: TOKEN })]);
    const measuring = setTimeout(() => pinger.send("measure"), WARM_UP_MS);
    const [result] = (await once(load, "message")) as [TurnLoadResult];
    clearTimeout(measuring);
    pinger.send("report");
    const [pingMs] = (await once(pinger, "message")) as [number[]];
    return toRow({ sessions, result, pingMs, cpuSeconds: await cpuSecondsOf(server.pid ?? 0) });
  } finally {
    server.kill();
    await exited;
    await rm(homeDir, { recursive: true, force: true });
  }
}

interface Measured {
  readonly sessions: number;
  readonly result: TurnLoadResult;
  readonly pingMs: readonly number[];
  readonly cpuSeconds: number;
}

function toRow({ sessions, result, pingMs, cpuSeconds }: Measured): BenchRow {
  const { turns, allTurns, failed, seconds, turnMs, acceptMs } = result;
  return {
    sessions,
    "turns/s": Math.round(turns / seconds),
    failed,
    "turn p50 ms": round(quantile(turnMs, 0.5)),
    "turn p99 ms": round(quantile(turnMs, 0.99)),
    "accept p50 ms": round(quantile(acceptMs, 0.5)),
    "accept p99 ms": round(quantile(acceptMs, 0.99)),
    "ping p99 ms": round(quantile(pingMs, 0.99)),
    "CPU ms/turn": round((cpuSeconds * 1_000) / allTurns),
  };
}

async function readUrl(stdout: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface(stdout)) {
    if (line.includes('"kind":"ready"')) return (JSON.parse(line) as { url: string }).url;
  }
  throw new Error("Cannot measure: the server ended before it was ready");
}

/** User and system time of a process and its sandboxes on Linux; NaN elsewhere. */
async function cpuSecondsOf(pid: number): Promise<number> {
  try {
    const pids = [pid, ...(await descendantsOf(pid))];
    const ticks = await Promise.all(pids.map(ticksOf));
    return ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND;
  } catch {
    return Number.NaN;
  }
}

async function ticksOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // Fields 14 and 15 of proc(5); the name before them, in parentheses, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
