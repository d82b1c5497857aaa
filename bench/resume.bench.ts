import { type ChildProcess, fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { nextMessage } from "./next-message.ts";
import { openBenchPostgres } from "./open-bench-postgres.ts";
import type { BenchOptions } from "./options.ts";
import { cpuSecondsOf, rssMiBOf } from "./processes.ts";
import { type BenchResult, type BenchRow, describeMachine, quantile, round } from "./report.ts";
import type { ResumeReport, ResumingClient } from "./resume/clients.ts";
import { seedSessions } from "./resume/seed-sessions.ts";
import { scaled } from "./sandbox/sample.ts";
import { type BenchServer, startServer, TOKEN } from "./start-server.ts";
import { PostgresMeter } from "./store/postgres-meter.ts";

/*
 * What a server has to do when it comes back and everybody reconnects at once, each client with a
 * session of its own and the position it had reached in it.
 */

const CLIENTS = 5_000;
const LOADS = 2;
const LOOK_EVERY_MS = 100;
const SETTLE_MS = 1_000;
const LOAD = fileURLToPath(new URL("load/resume-load.ts", import.meta.url));
const PINGER = fileURLToPath(new URL("load/ping-load.ts", import.meta.url));

/** Runs the benchmark: about a minute. */
export async function run({ scale }: BenchOptions): Promise<BenchResult> {
  const count = scaled(CLIENTS, scale);
  return {
    name: "resume",
    rows: [await measureOnSqlite(count), await measureOnPostgres(count)],
    method:
      `${count} WebSocket clients connect at once to a server that has just started, from ${LOADS} processes on the same ` +
      "machine, sign in and subscribe with the position they had: half lack nothing, 4 of 10 the last 50 events, 1 of 10 " +
      "2,100 events, for which it gets a snapshot; p50 and p99 from the first attempt to the last event, of those that lack " +
      "something; clients that lack nothing are tried with a turn afterwards (heard); pings come from a process of their own " +
      "that was connected before; statements as Postgres counts them, sign-in included, on SQLite they are the same; RSS of the server's process",
    machine: describeMachine(),
  };
}

async function measureOnSqlite(count: number): Promise<BenchRow> {
  const homeDir = await mkdtemp(path.join(tmpdir(), "nexflow-bench-"));
  try {
    const clients = await seedSessions(count, homeDir);
    const server = await startServer({ NEXFLOW_HOME: homeDir });
    try {
      return { store: "SQLite", ...(await measure(server, clients)), "statements/client": "-" };
    } finally {
      await server[Symbol.asyncDispose]();
    }
  } finally {
    await rm(homeDir, { recursive: true, force: true });
  }
}

async function measureOnPostgres(count: number): Promise<BenchRow> {
  const postgres = await openBenchPostgres();
  const servers: BenchServer[] = [];
  try {
    const url = await postgres.createDatabase();
    const clients = await seedSessions(count, "", url);
    const server = await startServer({ NEXFLOW_DATABASE_URL: url });
    servers.push(server);
    await pause(SETTLE_MS);
    const meter = await PostgresMeter.open(url, postgres.pid);
    const row = await measure(server, clients);
    await stopAll(servers);
    const { transactions } = await meter.close();
    return { store: "Postgres", ...row, "statements/client": round(transactions / count) };
  } finally {
    await stopAll(servers);
    await postgres[Symbol.asyncDispose]();
  }
}

async function stopAll(servers: BenchServer[]): Promise<void> {
  await Promise.all(servers.splice(0).map((server) => server[Symbol.asyncDispose]()));
}

async function measure(
  { url, pid }: BenchServer,
  clients: readonly ResumingClient[],
): Promise<BenchRow> {
  const pinger = fork(PINGER, [JSON.stringify({ url, token: TOKEN })]);
  const loads = Array.from({ length: LOADS }, () => fork(LOAD, []));
  const memory = watchMemory(pid);
  try {
    await Promise.all(loads.map(nextMessage));
    const idleMiB = await rssMiBOf(pid);
    const cpuBefore = await cpuSecondsOf(pid);
    pinger.send("measure");
    const reports = await Promise.all(loads.map((load, at) => resume(load, url, at, clients)));
    const cpuSeconds = (await cpuSecondsOf(pid)) - cpuBefore;
    pinger.send("report");
    const pingMs = (await nextMessage(pinger)) as number[];
    return {
      ...toRow(clients.length, reports, pingMs),
      ...toCosts(clients.length, cpuSeconds),
      "RSS MiB before": Math.round(idleMiB),
      "RSS MiB most": Math.round(memory.stop()),
    };
  } finally {
    memory.stop();
    for (const child of [pinger, ...loads]) child.kill();
  }
}

async function resume(
  load: ChildProcess,
  url: string,
  at: number,
  clients: readonly ResumingClient[],
): Promise<ResumeReport> {
  // Kinds come in tens: pairs of tens go to each process, so that all have the same mix.
  const own = clients.filter((_, index) => Math.floor(index / 10) % LOADS === at);
  load.send({ kind: "go", url, clients: own });
  return (await nextMessage(load)) as ResumeReport;
}

function toRow(
  count: number,
  reports: readonly ResumeReport[],
  pingMs: readonly number[],
): BenchRow {
  const sum = (valueOf: (report: ResumeReport) => number) =>
    reports.reduce((total, report) => total + valueOf(report), 0);
  const most = (valueOf: (report: ResumeReport) => number) => Math.max(...reports.map(valueOf));
  const resumedMs = reports.flatMap((report) => report.resumedMs);
  return {
    clients: count,
    "all signed in s": round(most((report) => report.signedInMs) / 1_000),
    "all resumed s": round(most((report) => report.allMs) / 1_000),
    failed: sum((report) => report.failed),
    "p50 ms": Math.round(quantile(resumedMs, 0.5)),
    "p99 ms": Math.round(quantile(resumedMs, 0.99)),
    retries: sum((report) => report.retries),
    heard: `${sum((report) => report.heard)}/${sum((report) => report.asked)}`,
    "ping p99 ms": round(quantile(pingMs, 0.99)),
  };
}

function toCosts(count: number, cpuSeconds: number): BenchRow {
  return { "CPU ms/client": round((cpuSeconds * 1_000) / count) };
}

function watchMemory(pid: number): { stop(): number } {
  let most = 0;
  const timer = setInterval(() => {
    void rssMiBOf(pid).then((now) => {
      most = Math.max(most, now);
    });
  }, LOOK_EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return most;
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
