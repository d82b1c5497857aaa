import { copyFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { describe, test } from "vitest";
import { findDatabase } from "#infrastructure/store/dialects/sqlite/database-files.ts";
import { openTempDir } from "../../../support/temp-dir.ts";

describe("findDatabase()", () => {
  test("finds one, with a log or without, and none in an empty folder", async ({ expect }) => {
    await using made = await makeDatabase();
    expect(findDatabase(made.file)).toBe(true);
    copyFileSync(made.file, `${made.file}.copy`);
    expect(findDatabase(`${made.file}.copy`)).toBe(true);
    expect(findDatabase(path.join(made.dir, "other.db"))).toBe(false);
    expect(findDatabase("/nowhere/nexflow.db")).toBe(false);
  });

  const remains: readonly [string, (file: string) => void, RegExp][] = [
    ["its log", (file) => copyFileSync(`${file}.old-wal`, `${file}-wal`), /"nexflow\.db-wal"/u],
    [
      "a copy of before a migration",
      (file) => writeFileSync(`${file}.0001-first.bak`, "x"),
      /0001-first\.bak"/u,
    ],
    [
      "a copy of before a restore",
      (file) => writeFileSync(`${file}.before-restore-1`, "x"),
      /before-restore-1"/u,
    ],
  ];

  test.for(remains)(
    "refuses one that is gone, or empty, but for %s",
    async ([, leave, names], { expect }) => {
      await using made = await makeDatabase();
      const file = path.join(made.dir, "nexflow.db");
      copyFileSync(`${made.file}-wal`, `${file}.old-wal`);
      leave(file);
      expect(() => findDatabase(file)).toThrow(/it is gone, but there is/u);
      expect(() => findDatabase(file)).toThrow(names);
      writeFileSync(file, "");
      expect(() => findDatabase(file)).toThrow(/it is empty, but there is/u);
    },
  );

  test("refuses one that is empty", async ({ expect }) => {
    await using dir = await openTempDir();
    const file = path.join(dir.path, "nexflow.db");
    writeFileSync(file, "");
    expect(() => findDatabase(file)).toThrow(/it is empty\. Restore a backup/u);
  });

  test("refuses a log whose head is damaged at any byte, not one that was cut", async ({
    expect,
  }) => {
    await using made = await makeDatabase();
    const log = `${made.file}-wal`;
    const whole = readFileSync(log);
    for (let at = 0; at < 32; at++) {
      const changed = Buffer.from(whole);
      changed.writeUInt8(changed.readUInt8(at) ^ 0x40, at);
      writeFileSync(log, changed);
      expect(() => findDatabase(made.file), `byte ${at}`).toThrow(/its log .* is damaged/u);
    }
    writeFileSync(log, whole);
    truncateSync(log, whole.length - 100);
    expect(findDatabase(made.file)).toBe(true);
    writeFileSync(log, Buffer.alloc(whole.length));
    expect(findDatabase(made.file)).toBe(true);
  });
});

/** A database that is open, so that its log is there. */
async function makeDatabase() {
  const dir = await openTempDir();
  const file = path.join(dir.path, "made.db");
  const database = new Database(file);
  database.pragma("journal_mode = WAL");
  database.exec("CREATE TABLE t (id TEXT); INSERT INTO t VALUES ('x')");
  return {
    dir: dir.path,
    file,
    [Symbol.asyncDispose]: async () => {
      database.close();
      await dir[Symbol.asyncDispose]();
    },
  };
}
