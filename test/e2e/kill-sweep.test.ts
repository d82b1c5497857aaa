import { test } from "vitest";
import { FAILPOINTS } from "#infrastructure/failpoints/failpoints.ts";
import { databaseFile } from "#infrastructure/store/open-store.ts";
import { findFreePort } from "../support/free-port.ts";
import { sweepKills } from "../support/kill-sweep.ts";
import { report } from "../support/report.ts";
import { startNexflow, TEST_TOKEN } from "../support/start-nexflow.ts";
import { openTempDir } from "../support/temp-dir.ts";

const names = [
  "accept",
  "begin",
  "save",
  "recover",
  "addUser",
  "addCredential",
  "removeCredential",
  "replaceToken",
  "recordCalls",
  "deleteSession",
];
const points = [
  ...Object.keys(FAILPOINTS).filter((n) => n !== "bus:publish"),
  ...names.flatMap((n) => [`before-commit:${n}`, `after-commit:${n}`]),
];

test("a kill at any failpoint loses and doubles nothing on SQLite", async ({ expect }) => {
  await using dir = await openTempDir();
  const port = await findFreePort();
  const { rows, faults } = await sweepKills({
    points,
    url: `http://127.0.0.1:${port}`,
    token: TEST_TOKEN,
    store: { file: databaseFile(dir.path) },
    start: (env) =>
      startNexflow({ homeDir: dir.path, port, env: { NEXFLOW_SANDBOX_PROCESSES: "1", ...env } }),
  });
  report("Kills on SQLite", rows);
  expect(faults).toEqual([]);
}, 120_000);
