import { test } from "vitest";
import {
  countFirings,
  eachOnce,
  plantSchedules,
  readLateness,
  untilAllEnded,
} from "../support/planted-schedules.ts";
import { openTestDatabase } from "../support/postgres.ts";
import { startNexflow } from "../support/start-nexflow.ts";

const SCHEDULES = 10_000;
const SPREAD_MS = 60_000;
const BEGIN_MS = 3_000;
const KILL_AFTER_MS = 20_000;

test("10,000 schedules on three instances, one of them killed: each fires once", async ({
  expect,
}) => {
  await using database = await openTestDatabase();
  const { url } = database;
  const env = { NEXFLOW_DATABASE_URL: url, NEXFLOW_SANDBOX_PROCESSES: "1" };
  await using first = await startNexflow({ env });
  await using second = await startNexflow({ env });
  const third = await startNexflow({ env });
  await plantSchedules(url, { count: SCHEDULES, spreadMs: SPREAD_MS, beginMs: BEGIN_MS });
  await new Promise((resolve) => setTimeout(resolve, BEGIN_MS + KILL_AFTER_MS));
  await third.kill();
  await untilAllEnded(url);
  expect(await countFirings(url)).toEqual(eachOnce(SCHEDULES));
  const lateness = await readLateness(url);
  // oxlint-disable-next-line no-console -- the figures are what one runs this for
  console.log("Lateness in ms:", lateness);
  // It says more about the machine than about the program; what was in the hands of the killed
  // instance comes last.
  expect(lateness?.["most"]).toBeLessThan(60_000);
  expect([await first.stop(), await second.stop()]).toEqual([0, 0]);
}, 240_000);
