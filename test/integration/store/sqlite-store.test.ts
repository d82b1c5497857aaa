import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { MessageChannel } from "node:worker_threads";
import Database from "better-sqlite3";
import { test } from "vitest";
import { databaseFile, openStore } from "#infrastructure/store/open-store.ts";
import {
  createSessionRepository,
  createTurnLog,
  createUserRepository,
} from "#infrastructure/store/store-client.ts";
import { describeStore, type StoreUnderTest } from "../../contract/store.ts";
import { openTempDir } from "../../support/temp-dir.ts";

describeStore("on SQLite", openSqliteStore);

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
  expect(again.file).toBe(databaseFile(dir.path));
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
    createTurnLog(store.writer).recover({ nowMs: 1 }),
    createUserRepository(store.reader, store.writer).hasToken(),
  ];
  for (const call of calls) {
    await expect(call).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  }
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

test("openStore() names a data directory that cannot be written", async ({ expect }) => {
  await using dir = await openTempDir();
  const file = path.join(dir.path, "file");
  await writeFile(file, "");
  await expect(openStore(file)).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringContaining("expected a directory that can be written"),
  });
});

async function openSqliteStore(): Promise<StoreUnderTest> {
  const dir = await openTempDir();
  let store = await openStore(dir.path);
  return {
    get turns() {
      return createTurnLog(store.writer);
    },
    get sessions() {
      return createSessionRepository(store.reader, store.writer);
    },
    get users() {
      return createUserRepository(store.reader, store.writer);
    },
    reopen: async () => {
      await store[Symbol.asyncDispose]();
      store = await openStore(dir.path);
    },
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}
