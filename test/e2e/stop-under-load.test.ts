import { test } from "vitest";
import { databaseFile } from "#infrastructure/store/open-store.ts";
import { Crowd } from "../support/crowd.ts";
import { findFreePort } from "../support/free-port.ts";
import { report } from "../support/report.ts";
import { SlowModel } from "../support/slow-model.ts";
import { startNexflow, TEST_TOKEN } from "../support/start-nexflow.ts";
import { listStoredFaults } from "../support/stored-faults.ts";
import { openTempDir } from "../support/temp-dir.ts";

const CLIENTS = 1_000;
const WAITING = 200;
const MAX_STOP_MS = 30_000;
const MAX_SHARE_IN_A_SECOND = 0.3;

test("SIGTERM under 1,000 sockets and 200 running turns loses nobody on SQLite", async ({
  expect,
}) => {
  await using dir = await openTempDir();
  await using model = await SlowModel.open({ answerMs: 3_000, words: 30 });
  const port = await findFreePort();
  const start = () => startNexflow({ homeDir: dir.path, port, env: model.env });
  await using first = await start();
  const crowd = await Crowd.gather({
    url: first.url,
    token: TEST_TOKEN,
    model,
    clients: CLIENTS,
    waiting: WAITING,
  });
  await expect.poll(() => model.running, { timeout: 10_000 }).toBe(WAITING);

  const stoppedAtMs = performance.now();
  expect(await first.stop()).toBe(0);
  const exitMs = performance.now() - stoppedAtMs;
  await using second = await start();
  await crowd.answered();
  await expect
    .poll(() => crowd.arrivalsSince(stoppedAtMs).length, { timeout: 30_000 })
    .toBeGreaterThanOrEqual(CLIENTS);
  const arrivals = crowd.arrivalsSince(stoppedAtMs);
  const busiest = busiestSecond(arrivals);
  report(
    `Exit after ${Math.round(exitMs)} ms; of ${arrivals.length} at most ${busiest} came back in one second`,
  );
  expect(await crowd.disperse()).toEqual([]);
  await second.stop();
  expect(await listStoredFaults({ file: databaseFile(dir.path) })).toEqual([]);
  expect(exitMs).toBeLessThan(MAX_STOP_MS);
  expect(busiest / CLIENTS).toBeLessThan(MAX_SHARE_IN_A_SECOND);
}, 120_000);

/** The most arrivals that any second held. */
function busiestSecond(arrivals: readonly number[]): number {
  const counts = arrivals.map((from) => {
    return arrivals.filter((atMs) => atMs >= from && atMs < from + 1_000).length;
  });
  return Math.max(0, ...counts);
}
