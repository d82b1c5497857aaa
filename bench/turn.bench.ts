import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { TurnLoadResult } from "./load/turn-load.ts";
import { nextMessage } from "./next-message.ts";
import { type BenchPostgres, openBenchPostgres } from "./open-bench-postgres.ts";
import type { BenchOptions } from "./options.ts";
import { cpuSecondsOf } from "./processes.ts";
import { type BenchResult, type BenchRow, describeMachine, quantile, round } from "./report.ts";
import { type BenchServer, startServer, TOKEN } from "./start-server.ts";
import { PostgresMeter } from "./store/postgres-meter.ts";

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
const LOAD = fileURLToPath(new URL("load/turn-load.ts", import.meta.url));
const PINGER = fileURLToPath(new URL("load/ping-load.ts", import.meta.url));

type TurnKind = keyof typeof TEXTS;

/** What one row is measured with. */
interface Setting {
  readonly turn: TurnKind;
  readonly sessions: number;
  readonly instances: number;
}

const ON_SQLITE: readonly Setting[] = (["plain", "skill"] as const).flatMap((turn) =>
  SESSIONS.map((sessions) => ({ turn, sessions, instances: 1 })),
);
const ON_POSTGRES: readonly Setting[] = [
  { turn: "plain", sessions: 1, instances: 1 },
  ...[1, 2, 3].map((instances) => ({ turn: "plain", sessions: 100, instances }) as const),
  ...[1, 2, 3].map((instances) => ({ turn: "plain", sessions: 500, instances }) as const),
  { turn: "skill", sessions: 100, instances: 1 },
];

/** Runs the benchmark: about a minute and a half, on Postgres two. */
export async function run({ scale, store }: BenchOptions): Promise<BenchResult> {
  return {
    name: store === "sqlite" ? "turn" : "turn-postgres",
    rows: await (store === "sqlite" ? runOnSqlite(scale) : runOnPostgres(scale)),
    method:
      `closed loop, one turn at a time in each session, ${(MEASURE_MS * scale) / 1_000} s after ` +
      `${(WARM_UP_MS * scale) / 1_000} s to warm up; new servers and ` +
      `${store === "sqlite" ? "a new SQLite file (synchronous=FULL)" : "a new Postgres database (fsync=on), whose server runs on the same machine, sessions divided among the instances,"} for each row; ` +
      "offline/rules; the load runs on the same machine, the pings come from a process of their own; a turn is from send to RUN_FINISHED; " +
      "CPU is the servers' with their sandboxes, of the whole run" +
      (store === "sqlite"
        ? ""
        : ", and Postgres's own of all its processes; transactions, rows and notifications as Postgres counts them; a statement outside a transaction is one"),
    machine: describeMachine(),
  };
}

async function runOnSqlite(scale: number): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const setting of ON_SQLITE) {
    const { turn, sessions } = setting;
    const server = await startServer();
    try {
      const measured = await measure(setting, [server], scale);
      rows.push({ turn, sessions, ...toRow(measured) });
    } finally {
      await server[Symbol.asyncDispose]();
    }
  }
  return rows;
}

async function runOnPostgres(scale: number): Promise<BenchRow[]> {
  const postgres = await openBenchPostgres();
  try {
    const rows: BenchRow[] = [];
    for (const setting of ON_POSTGRES) {
      const { turn, sessions, instances } = setting;
      const row = await measureOnPostgres(setting, postgres, scale);
      rows.push({ turn, instances, sessions, ...row });
    }
    return rows;
  } finally {
    await postgres[Symbol.asyncDispose]();
  }
}

async function measureOnPostgres(
  setting: Setting,
  postgres: BenchPostgres,
  scale: number,
): Promise<BenchRow> {
  const url = await postgres.createDatabase();
  const servers: BenchServer[] = [];
  try {
    for (let at = 0; at < setting.instances; at += 1) {
      servers.push(await startServer({ NEXFLOW_DATABASE_URL: url }));
    }
    const meter = await PostgresMeter.open(url, postgres.pid);
    const measured = await measure(setting, servers, scale);
    // What the instances have done counts for certain when they have gone.
    const cpu = { cpuSeconds: await meter.cpuSeconds(), notices: meter.notices };
    await stopAll(servers);
    const { allTurns } = measured.result;
    const used = await meter.close();
    return {
      ...toRow(measured),
      "Postgres CPU ms/turn": round((cpu.cpuSeconds * 1_000) / allTurns),
      "transactions/turn": round(used.transactions / allTurns),
      "rows/turn": round(used.rows / allTurns),
      "notices/turn": round(cpu.notices / allTurns, 3),
    };
  } finally {
    await stopAll(servers);
  }
}

async function stopAll(servers: BenchServer[]): Promise<void> {
  await Promise.all(servers.splice(0).map((server) => server[Symbol.asyncDispose]()));
}

interface Measured {
  readonly result: TurnLoadResult;
  readonly pingMs: readonly number[];
  readonly cpuSeconds: number;
}

async function measure(
  { sessions, turn }: Setting,
  servers: readonly BenchServer[],
  scale: number,
): Promise<Measured> {
  const [warmUpMs, measureMs] = [WARM_UP_MS * scale, MEASURE_MS * scale];
  const urls = servers.map(({ url }) => url);
  const plan = { urls, token: TOKEN, sessions, text: TEXTS[turn], warmUpMs, measureMs };
  const load = fork(LOAD, [JSON.stringify(plan)]);
  const pinger = fork(PINGER, [JSON.stringify({ url: urls[0], token: TOKEN })]);
  try {
    const measuring = setTimeout(() => pinger.send("measure"), warmUpMs);
    const result = (await nextMessage(load)) as TurnLoadResult;
    clearTimeout(measuring);
    pinger.send("report");
    const pingMs = (await nextMessage(pinger)) as number[];
    const cpus = await Promise.all(servers.map(({ pid }) => cpuSecondsOf(pid)));
    return { result, pingMs, cpuSeconds: cpus.reduce((sum, each) => sum + each, 0) };
  } finally {
    load.kill();
    pinger.kill();
  }
}

function toRow({ result, pingMs, cpuSeconds }: Measured): BenchRow {
  const { turns, allTurns, failed, seconds, turnMs, acceptMs } = result;
  return {
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
