import { existsSync } from "node:fs";
import pg from "pg";
import { test } from "vitest";
import { openTestDatabase, openTestServer } from "../../support/postgres.ts";

test("openTestDatabase() gives each test an empty database", async ({ expect }) => {
  await using one = await openTestDatabase();
  await using other = await openTestDatabase();
  await query(one.url, "CREATE TABLE mark (id int)");
  expect(await query(one.url, "SELECT count(*)::int AS rows FROM mark")).toEqual([{ rows: 0 }]);
  await expect(query(other.url, "SELECT FROM mark")).rejects.toThrow(/mark/u);
});

test("openTestServer() keeps what was committed over a stop and a crash", async ({ expect }) => {
  await using server = await openTestServer();
  await query(server.url, "CREATE TABLE mark (id int)");
  await query(server.url, "INSERT INTO mark VALUES (1)");
  await server.stop();
  expect(server.pid).toBeUndefined();
  await expect(query(server.url, "SELECT 1")).rejects.toThrow(/ECONNREFUSED/u);
  await server.start();
  await query(server.url, "INSERT INTO mark VALUES (2)");
  await server.stop("SIGQUIT");
  await server.start();
  expect(await query(server.url, "SELECT id FROM mark ORDER BY id")).toEqual([
    { id: 1 },
    { id: 2 },
  ]);
  expect(await query(server.url, "SHOW fsync")).toEqual([{ fsync: "on" }]);
  const [{ dir }] = (await query(
    server.url,
    "SELECT current_setting('data_directory') AS dir",
  )) as [{ dir: string }];
  await server[Symbol.asyncDispose]();
  expect(existsSync(dir)).toBe(false);
});

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}
