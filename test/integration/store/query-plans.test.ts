import path from "node:path";
import { test } from "vitest";
import { migrateSqlite } from "#infrastructure/store/dialects/sqlite/migrate-sqlite.ts";
import { openSqlite } from "#infrastructure/store/dialects/sqlite/sqlite-connection.ts";
import { queries } from "#infrastructure/store/load-queries.ts";
import { openTempDir } from "../../support/temp-dir.ts";

/** These go through a table, by design: a small one, or from its end until they have enough. */
const SCANS: ReadonlySet<string> = new Set([
  "deleteExpiredCredentials",
  "deleteForgotten",
  "deleteCallsOfUser",
  "deleteHostCallsOfCall",
  "deleteHostCallsOfUser",
  "findAnyToken",
  "listSkillCalls",
  "listHostCalls",
  "listLostBackground",
  "listOpenFirings",
]);

test("no statement of SQLite reads a whole table, whatever its arguments are", async ({
  expect,
}) => {
  await using dir = await openTempDir();
  const file = path.join(dir.path, "nexflow.db");
  const { database } = openSqlite({ file, mode: "write" });
  try {
    await migrateSqlite(database, file);
    const scans = Object.entries(queries).flatMap(([name, { sqlite }]) => {
      const plan = database
        .prepare(`EXPLAIN QUERY PLAN ${sqlite.sql}`)
        .all(...sqlite.parameters.map(() => null)) as { detail: string }[];
      // The turns that a recursion found before are no table.
      const found = plan.filter(({ detail }) => /^SCAN (?!branch$)\w+$/u.test(detail));
      return found.length > 0 && !SCANS.has(name) ? [`${name}: ${found[0]?.detail}`] : [];
    });
    expect(scans).toEqual([]);
  } finally {
    database.close();
  }
});
