import { test } from "vitest";
import {
  countFirings,
  eachOnce,
  plantSchedules,
  untilAllEnded,
} from "../support/planted-schedules.ts";
import { openTestServer } from "../support/postgres.ts";
import { startNexflow } from "../support/start-nexflow.ts";

const SCHEDULES = 400;
const DOWN_MS = 1_500;

test("schedules fire once each while Postgres crashes twice", async ({ expect }) => {
  await using database = await openTestServer();
  const { url } = database;
  const env = { NEXFLOW_DATABASE_URL: url, NEXFLOW_SANDBOX_PROCESSES: "1" };
  await using server = await startNexflow({ env });
  await plantSchedules(url, { count: SCHEDULES, spreadMs: 8_000, beginMs: 1_000 });
  for (let crash = 0; crash < 2; crash++) {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await database.stop("SIGQUIT");
    await new Promise((resolve) => setTimeout(resolve, DOWN_MS));
    await database.start();
  }
  await untilAllEnded(url);
  expect(await countFirings(url)).toEqual(eachOnce(SCHEDULES));
  expect(await server.stop()).toBe(0);
});
