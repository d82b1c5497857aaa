import { copyFile, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import Database from "better-sqlite3";
import { describe, test } from "vitest";
import { openStore } from "#infrastructure/store/open-store.ts";
import { fillStore } from "../../support/fill-store.ts";
import { openTempDir } from "../../support/temp-dir.ts";

describe("openStore() refuses, and leaves as it was, a database that is", () => {
  const harm: readonly [string, (file: string) => Promise<unknown>, RegExp][] = [
    [
      "no database",
      (file) => writeFile(file, "hello ".repeat(1_000)),
      /it is damaged or no SQLite/u,
    ],
    ["empty", (file) => truncate(file), /it is empty/u],
    ["cut in half", (file) => halve(file), /it is damaged/u],
    ["cut within its first page", (file) => truncate(file, 1_000), /it is damaged/u],
    ["full of zeros in the middle", (file) => overwrite(file, 0), /it is damaged/u],
    ["full of noise in the middle", (file) => overwrite(file, 0xa5), /it is damaged/u],
    [
      "gone, with its log still there",
      (file) => loseButLog(file),
      /it is gone, but there is "nexflow\.db-wal"/u,
    ],
    [
      "gone, with a copy still there",
      (file) => loseButCopy(file),
      /there is "nexflow\.db\.0001-first\.bak"/u,
    ],
    [
      "there with a log of another kind",
      (file) => writeFile(`${file}-wal`, "log ".repeat(50)),
      /its log "nexflow\.db-wal" is damaged/u,
    ],
  ];

  test.for(harm)("%s", async ([, damage, message], { expect }) => {
    await using dir = await openTempDir();
    const file = await makeDatabase(dir.path);
    await damage(file);
    const before = await filesOf(dir.path);
    const refused = openStore(dir.path);
    await expect(refused).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toThrow(/does not start empty over/u);
    expect(await filesOf(dir.path)).toEqual(before);
  });
});

test("openStore() takes a log whose end was lost for what it is: the newest writes are gone", async ({
  expect,
}) => {
  await using dir = await openTempDir();
  const file = await makeDatabase(dir.path);
  const log = await leaveLog(file);
  await truncate(log, (await readFile(log)).length - 10);
  await using store = await openStore(dir.path);
  const database = new Database(file, { readonly: true });
  expect(database.pragma("integrity_check")).toEqual([{ integrity_check: "ok" }]);
  database.close();
  expect(await store.reader.call("findAuditHead")).toMatchObject({ seq: 3 });
});

test("openStore() makes a database anew that was not finished", async ({ expect }) => {
  await using dir = await openTempDir();
  for (const end of ["", "-wal", "-journal"]) {
    await writeFile(path.join(dir.path, `nexflow.db.new${end}`), "half of it");
  }
  await using store = await openStore(dir.path);
  expect(await store.reader.call("hasToken")).toBe(false);
  expect((await readdir(dir.path)).filter((name) => name.includes(".new"))).toEqual([]);
});

async function makeDatabase(homeDir: string): Promise<string> {
  const store = await openStore(homeDir);
  await fillStore(store.writer);
  await store[Symbol.asyncDispose]();
  return path.join(homeDir, "nexflow.db");
}

/** Leaves a database as a killed server does: the last write is in its log alone. */
async function leaveLog(file: string): Promise<string> {
  const database = new Database(file);
  database.exec("UPDATE counter SET value = 4711; UPDATE audit_head SET seq = 99");
  const log = `${file}-wal`;
  for (const each of [file, log]) await copyFile(each, `${each}.kept`);
  database.close();
  for (const each of [file, log]) {
    await copyFile(`${each}.kept`, each);
    await rm(`${each}.kept`);
  }
  return log;
}

async function halve(file: string): Promise<void> {
  await truncate(file, Math.floor((await readFile(file)).length / 2));
}

async function overwrite(file: string, byte: number): Promise<void> {
  const bytes = await readFile(file);
  bytes.fill(byte, 3 * 4_096, bytes.length - 4_096);
  await writeFile(file, bytes);
}

async function loseButLog(file: string): Promise<void> {
  await leaveLog(file);
  await rm(file);
}

async function loseButCopy(file: string): Promise<void> {
  await copyFile(file, `${file}.0001-first.bak`);
  await rm(file);
}

/** All files but the lock and what SQLite keeps in memory for readers. */
async function filesOf(dir: string) {
  const names = (await readdir(dir)).filter((name) => !/lock|-shm$/u.test(name));
  return Promise.all(
    names
      .toSorted()
      .map(async (name) => [name, (await readFile(path.join(dir, name))).toString("hex")]),
  );
}
