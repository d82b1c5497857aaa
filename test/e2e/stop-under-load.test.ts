import { type ExpectStatic, test } from "vitest";
import { databaseFile } from "#infrastructure/store/open-store.ts";
import { Crowd } from "../support/crowd.ts";
import { findFreePort } from "../support/free-port.ts";
import { NexflowCluster } from "../support/nexflow-cluster.ts";
import { openTestDatabase } from "../support/postgres.ts";
import { report } from "../support/report.ts";
import { SlowModel } from "../support/slow-model.ts";
import { type RunningNexflow, startNexflow, TEST_TOKEN } from "../support/start-nexflow.ts";
import { listStoredFaults } from "../support/stored-faults.ts";
import { openTempDir } from "../support/temp-dir.ts";

const CLIENTS = 1_000;
const WAITING = 200;
const ANSWER = { answerMs: 3_000, words: 30 };
const MAX_STOP_MS = 30_000;
const MAX_SHARE_IN_A_SECOND = 0.3;

test("SIGTERM under 1,000 sockets and 200 running turns loses nobody on SQLite", async ({
  expect,
}) => {
  await using dir = await openTempDir();
  await using model = await SlowModel.open(ANSWER);
  const port = await findFreePort();
  const start = () => startNexflow({ homeDir: dir.path, port, env: model.env });
  await using first = await start();
  const crowd = await gather(first.url, model);
  const stop = await stopUnder(crowd, first, start);
  await using second = stop.next;
  await expectAllBack(expect, { crowd, ...stop, clients: CLIENTS });
  expect(await second.stop()).toBe(0);
  expect(await listStoredFaults({ file: databaseFile(dir.path) })).toEqual([]);
}, 300_000);

test("SIGTERM of one of two instances sends its clients to the other", async ({ expect }) => {
  await using database = await openTestDatabase();
  await using model = await SlowModel.open(ANSWER);
  const { env } = model;
  const options = { instances: 2, databaseUrl: database.url, env };
  await using cluster = await NexflowCluster.start(options);
  const crowd = await gather(cluster.url, model);
  const stop = await stopUnder(crowd, cluster.member(0), async () => cluster.member(1));
  await expectAllBack(expect, { crowd, ...stop, clients: CLIENTS / 2 });
  expect(await cluster.member(1).stop()).toBe(0);
  expect(await listStoredFaults({ url: database.url })).toEqual([]);
}, 300_000);

interface Stop {
  readonly exitCode: number | null;
  readonly exitMs: number;
  readonly stoppedAtMs: number;
  readonly next: RunningNexflow;
}

async function gather(url: string, model: SlowModel): Promise<Crowd> {
  return Crowd.gather({ url, token: TEST_TOKEN, model, clients: CLIENTS, waiting: WAITING });
}

/** Stops a server while answers are being given. */
async function stopUnder(
  crowd: Crowd,
  server: RunningNexflow,
  goOn: () => Promise<RunningNexflow>,
): Promise<Stop> {
  await crowd.waiting();
  const stoppedAtMs = performance.now();
  const exitCode = await server.stop();
  const exitMs = Math.round(performance.now() - stoppedAtMs);
  return { exitCode, exitMs, stoppedAtMs, next: await goOn() };
}

async function expectAllBack(
  expect: ExpectStatic,
  { crowd, exitCode, exitMs, stoppedAtMs, clients }: Stop & { crowd: Crowd; clients: number },
): Promise<void> {
  await crowd.answered();
  await expect
    .poll(() => crowd.countBack(stoppedAtMs), { timeout: 60_000 })
    .toBeGreaterThanOrEqual(clients);
  const returns = crowd.returnsSince(stoppedAtMs);
  const busiest = busiestSecond(returns);
  report(
    `Exit ${exitCode} after ${exitMs} ms; of ${returns.length} at most ${busiest} came back in one second`,
  );
  expect(await crowd.disperse()).toEqual([]);
  expect(exitCode).toBe(0);
  expect(exitMs).toBeLessThan(MAX_STOP_MS);
  expect(busiest / clients).toBeLessThan(MAX_SHARE_IN_A_SECOND);
}

/** The most returns that any second held. */
function busiestSecond(returns: readonly number[]): number {
  const counts = returns.map((from) => {
    return returns.filter((atMs) => atMs >= from && atMs < from + 1_000).length;
  });
  return Math.max(0, ...counts);
}
