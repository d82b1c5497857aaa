import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { listConversationFaults } from "./conversation-faults.ts";
import { ResumingClient } from "./resuming-client.ts";
import type { RunningNexflow } from "./start-nexflow.ts";
import { listStoredFaults, readStore, type StoreAddress, writeStore } from "./stored-faults.ts";
import { createSums, isSumOf } from "./sums.ts";
import { Visitor } from "./visitor.ts";

export interface KillSweep {
  /** Failpoints, each with the passing that is the last: "turn:begin@2". */
  readonly points: readonly string[];
  /** Those that are passed only by a server that is told to stop. */
  readonly atStop: readonly string[];
  /** Where clients find whoever serves. */
  readonly url: string;
  readonly token: string;
  readonly store: StoreAddress;
  /** Starts the program that is to be killed. */
  readonly start: (env: Readonly<Record<string, string>>) => Promise<RunningNexflow>;
}

export interface KillSweepReport {
  readonly rows: readonly KillSweepRow[];
  /** All that was lost, doubled or damaged. */
  readonly faults: readonly string[];
}

export interface KillSweepRow {
  readonly point: string;
  readonly death: "in service" | "at start" | "at stop" | "not reached";
  /** Answers that clients had got, up to then. */
  readonly answers: number;
  /** From the start after this death until messages were taken, where it came so far. */
  readyAgainMs: number | "";
}

const CLIENTS = 3;
const KILLS_IN_A_ROW = 5;
/** A point that was not reached by then is none that this load reaches. */
const REACHED_MOST_MS = 45_000;
/** Where no turn was run for so long, none will be. */
const PATIENCE_MS = 20_000;

/**
 * Has the program die at one point after the other, under load, on the same data: each start is
 * the recovery from the death before.
 */
export async function sweepKills(sweep: KillSweep): Promise<KillSweepReport> {
  const { url, token, points, store, start } = sweep;
  const rows: KillSweepRow[] = [];
  const prepared = await start({});
  await prepared.kill();
  await addSchedules(store);
  let isOver = false;
  const clients = Array.from({ length: CLIENTS }, () => new ResumingClient(url, token));
  const nextSum = createSums();
  const load = Promise.all([
    ...clients.map((client) => client.converse(nextSum, () => isOver)),
    new Visitor(url, token).visit(() => isOver),
  ]);
  for (const [at, point] of [...points, ...sweep.atStop].entries()) {
    if (at % KILLS_IN_A_ROW === 0) {
      await serveAWhile(() => timed(rows, () => start({})), clients, store);
    }
    const spec = point.includes("@") ? point.replace("@", "=kill@") : `${point}=kill`;
    const env = { NEXFLOW_TEST_MODE: "faults", NEXFLOW_FAILPOINTS: spec };
    const isAtStop = sweep.atStop.includes(point);
    const death = await die(() => timed(rows, () => start(env)), isAtStop);
    rows.push({
      point,
      death,
      answers: sum(clients.map(({ ends }) => ends.size)),
      readyAgainMs: "",
    });
  }
  const server = await timed(rows, () => start({}));
  isOver = true;
  await load;
  await endSchedules(store);
  await untilNone(store, "SELECT * FROM turn WHERE state IN ('queued', 'running')");
  const found = await Promise.all(
    clients.map((client) => listConversationFaults({ url, token }, client, isSumOf)),
  );
  await server.stop();
  return { rows, faults: [...found.flat(), ...(await listStoredFaults(store))] };
}

/** A turn whose run dies eight times fails: now and then a server lives until all are answered. */
async function serveAWhile(
  start: () => Promise<RunningNexflow>,
  clients: readonly ResumingClient[],
  store: StoreAddress,
): Promise<void> {
  const server = await start();
  const before = clients.map(({ ends }) => ends.size);
  while (clients.some(({ ends }, at) => ends.size === before[at])) await delay(10);
  await untilNone(
    store,
    "SELECT * FROM turn WHERE state IN ('queued', 'running') AND attempts > 1",
  );
  await server.kill();
}

/** A message and a call, every second each: more often than people may. */
function addSchedules(store: StoreAddress): Promise<void> {
  const whenJson = JSON.stringify({ kind: "every", everyMs: 1_000, anchorMs: 0 });
  const actions = [
    { kind: "message", text: "/calculator 1+1" },
    { kind: "tool-call", skill: "keeps", tool: "run", input: {} },
  ];
  const rows = actions.map((action) => {
    const values = [action.kind, "admin", action.kind, whenJson, "once", JSON.stringify(action)];
    return `(${values.map((value) => `'${value}'`).join(", ")}, 'active', ${Date.now()}, 0)`;
  });
  return writeStore(
    store,
    `INSERT INTO schedule (schedule_id, user_id, name, when_json, missed, action_json, state,
      next_at_ms, created_at_ms) VALUES ${rows.join(", ")}`,
  );
}

/** A firing that was killed often waits for long to be tried again: that is not waited for. */
function endSchedules(store: StoreAddress): Promise<void> {
  return writeStore(store, "DELETE FROM schedule");
}

/** Waits until `sql` finds no turn that is left to be run. Throws where none was for too long. */
async function untilNone(store: StoreAddress, sql: string): Promise<void> {
  let fewest = Number.POSITIVE_INFINITY;
  let endMs = 0;
  for (;;) {
    const left = await readStore(store, (read) => read<object>(sql));
    if (left.length === 0) return;
    if (left.length < fewest) endMs = performance.now() + PATIENCE_MS;
    fewest = Math.min(fewest, left.length);
    if (performance.now() > endMs) throw new Error(`Still to be run: ${JSON.stringify(left)}`);
    await delay(50);
  }
}

/** Starts a server and waits for its death; one that does not come is brought about. */
async function die(
  start: () => Promise<RunningNexflow>,
  isAtStop: boolean,
): Promise<KillSweepRow["death"]> {
  let server: RunningNexflow;
  try {
    server = await start();
  } catch (error) {
    if (String(error).includes("(SIGKILL)")) return "at start";
    throw error;
  }
  if (isAtStop) {
    await server.stop();
    return server.process.signalCode === "SIGKILL" ? "at stop" : "not reached";
  }
  const { exitCode, signalCode } = server.process;
  if (signalCode !== null) return "in service";
  if (exitCode !== null) throw new Error(`It ended with ${exitCode}:\n${server.output()}`);
  const exited = once(server.process, "exit").then(() => "in service" as const);
  const late = delay(REACHED_MOST_MS, "not reached" as const, { ref: false });
  const death = await Promise.race([exited, late]);
  if (death === "not reached") await server.kill();
  return death;
}

/** Notes how long the start after the latest death took. */
async function timed<T>(rows: readonly KillSweepRow[], start: () => Promise<T>): Promise<T> {
  const startedAtMs = performance.now();
  const started = await start();
  const latest = rows.at(-1);
  if (latest?.readyAgainMs === "")
    latest.readyAgainMs = Math.round(performance.now() - startedAtMs);
  return started;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
