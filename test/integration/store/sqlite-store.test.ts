import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { MessageChannel } from "node:worker_threads";
import Database from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { Migrator } from "kysely/migration";
import { test } from "vitest";
import { parseTurnId, parseUserId } from "#domain/shared/id.ts";
import { statements } from "#infrastructure/store/migrations/0001-first.ts";
import { databaseFile, openStore } from "#infrastructure/store/open-store.ts";
import { createTurnLog, createUserRepository } from "#infrastructure/store/repositories.ts";
import { openTempDir } from "../../support/temp-dir.ts";

test("openStore() refuses a data directory that another process serves", async ({ expect }) => {
  await using dir = await openTempDir();
  const script = `
    const { openStore } = await import(${JSON.stringify(new URL("../../../src/infrastructure/store/open-store.ts", import.meta.url).href)});
    await openStore(${JSON.stringify(dir.path)});
    process.stdout.write("open");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
  try {
    await once(child.stdout, "data");
    await expect(openStore(dir.path)).rejects.toMatchObject({ code: "STORE_LOCKED" });
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  await using again = await openStore(dir.path);
  expect(again.location).toEqual({ kind: "sqlite", file: databaseFile(dir.path) });
});

test("`lost` says that the store's thread is gone, and every call fails", async ({ expect }) => {
  await using dir = await openTempDir();
  await using store = await openStore(dir.path);
  const { port1, port2 } = new MessageChannel();
  store.attach(port2);
  // No client of ours says such a thing: the thread dies of it as of any bug.
  port1.postMessage(null);
  expect(await store.lost).toMatchObject({ code: "STORE_UNAVAILABLE" });
  const calls = [
    createTurnLog(store.writer).cancel(parseTurnId("t1")),
    createUserRepository(store.reader, store.writer).list({ limit: 1 }),
  ];
  const lost = calls.map((call) =>
    expect(call).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" }),
  );
  await Promise.all(lost);
  port1.close();
});

test("openStore() refuses a damaged database and leaves it as it was", async ({ expect }) => {
  await using dir = await openTempDir();
  const file = databaseFile(dir.path);
  await writeFile(file, "this is no database, but somebody may want it back".repeat(100));
  const before = await readFile(file);
  await expect(openStore(dir.path)).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringContaining("damaged or no SQLite database"),
  });
  expect(await readFile(file)).toEqual(before);
});

test("openStore() refuses a database that a newer program wrote", async ({ expect }) => {
  await using dir = await openTempDir();
  await (await openStore(dir.path))[Symbol.asyncDispose]();
  const database = new Database(databaseFile(dir.path));
  database.exec("INSERT INTO kysely_migration VALUES ('9999-future', '2100-01-01T00:00:00.000Z')");
  database.close();
  await expect(openStore(dir.path)).rejects.toMatchObject({
    code: "STORE_TOO_NEW",
    message: expect.stringContaining('migration "9999-future"'),
  });
});

test("openStore() brings a first database to the newest schema, and keeps what is in it", async ({
  expect,
}) => {
  await using dir = await openTempDir();
  await makeFirstDatabase(databaseFile(dir.path));
  await using store = await openStore(dir.path);
  const users = createUserRepository(store.reader, store.writer);
  expect(await users.find(parseUserId("ada"))).toMatchObject({ name: "Ada" });
  await store.writer.call("setSkillValue", {
    space: { skill: "notes", userId: "ada" },
    entry: { key: "a", value: Buffer.from("x") },
    quota: { maxBytes: 10, maxKeys: 1 },
  });
  expect((await readdir(dir.path)).toSorted()).toContain("nexflow.db.0001-first.bak");
});

test("openStore() names a data directory that cannot be written", async ({ expect }) => {
  await using dir = await openTempDir();
  const file = path.join(dir.path, "file");
  await writeFile(file, "");
  await expect(openStore(file)).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringContaining("expected a directory that can be written"),
  });
});

/** A database as the first migration left it, with a user. */
async function makeFirstDatabase(file: string): Promise<void> {
  const database = new Database(file);
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) });
  const up = async () => {
    for (const statement of statements) database.exec(statement);
  };
  const provider = { getMigrations: async () => ({ "0001-first": { up } }) };
  const { error } = await new Migrator({ db, provider }).migrateToLatest();
  if (error !== undefined) throw new Error("Cannot make the database", { cause: error });
  database.exec(`INSERT INTO "user" VALUES ('ada', 'Ada', 'admin', 1)`);
  await db.destroy();
}
