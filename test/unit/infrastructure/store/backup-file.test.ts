import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, test } from "vitest";
import { readBackup, verifyBackup, writeBackup } from "#infrastructure/store/backup/backup-file.ts";
import type { BackupSource, Row } from "#infrastructure/store/backup/backup-format.ts";
import { openTempDir } from "../../../support/temp-dir.ts";

const rowsOf: Readonly<Record<string, readonly Row[]>> = {
  user: [
    ["alice", "Alice\n[]{}", 1.5, null],
    ["bob", "ünï\u2028", -7, Buffer.from([0, 255, 10])],
  ],
  empty: [],
  session: Array.from({ length: 3_000 }, (_, index) => [`s${index}`, "x".repeat(index % 97)]),
};

function sourceOf(): BackupSource {
  return {
    header: { version: "0", store: "sqlite", migrations: ["0001-first"], takenAtMs: 7 },
    tables: [
      { name: "user", columns: ["user_id", "name", "n", "b"] },
      { name: "empty", columns: ["id"] },
      { name: "session", columns: ["session_id", "title"] },
    ],
    rows: async function* (table) {
      const rows = rowsOf[table.name] ?? [];
      for (let at = 0; at < rows.length; at += 1_000) yield rows.slice(at, at + 1_000);
    },
  };
}

test("writeBackup() writes what readBackup() reads, for the owner alone", async ({ expect }) => {
  await using dir = await openTempDir();
  const file = path.join(dir.path, "b.gz");
  const manifest = await writeBackup(file, sourceOf());
  expect(await readdir(dir.path)).toEqual(["b.gz"]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);

  const found: Record<string, Row[]> = {};
  let rows: Row[] = [];
  for await (const part of readBackup(file)) {
    if (part.kind === "header") expect(part).toMatchObject(sourceOf().header);
    if (part.kind === "table") found[part.name] = rows = [];
    if (part.kind === "rows") rows.push(...part.rows);
    if (part.kind === "manifest") expect(part.tables).toEqual(manifest);
  }
  expect(found).toEqual(rowsOf);
  expect([...manifest].map(([name, sum]) => [name, sum.rows])).toEqual([
    ["user", 2],
    ["empty", 0],
    ["session", 3_000],
  ]);
});

test("writeBackup() leaves nothing behind where it fails", async ({ expect }) => {
  await using dir = await openTempDir();
  const source = sourceOf();
  const broken: BackupSource = {
    ...source,
    rows: async function* () {
      yield [["a", "b", 1, null]];
      throw new Error("The disk is gone");
    },
  };
  const written = writeBackup(path.join(dir.path, "b.gz"), broken);
  await expect(written).rejects.toMatchObject({ code: "BACKUP_FAILED" });
  await expect(writeBackup("/nowhere/b.gz", source)).rejects.toThrow(/there is no such file/u);
  expect(await readdir(dir.path)).toEqual([]);
});

test("writeBackup() does not write over a file", async ({ expect }) => {
  await using dir = await openTempDir();
  const file = path.join(dir.path, "b.gz");
  await writeFile(file, "mine");
  await expect(writeBackup(file, sourceOf())).rejects.toThrow(/there is such a file/u);
  expect(await readFile(file, "utf8")).toBe("mine");
});

describe("a backup is refused that", () => {
  const harm: readonly [string, (packed: Buffer) => Buffer][] = [
    ["is cut off", (packed) => packed.subarray(0, packed.length - 100)],
    ["is empty", () => Buffer.alloc(0)],
    ["is text", () => Buffer.from("SQLite format 3")],
    [
      "has a changed byte",
      (packed) =>
        Buffer.concat([
          packed.subarray(0, 500),
          Buffer.from([packed.readUInt8(500) ^ 1]),
          packed.subarray(501),
        ]),
    ],
    ["lacks its manifest", inside((lines) => lines.slice(0, -1))],
    ["lacks a row", inside((lines) => lines.toSpliced(3, 1))],
    ["has a row twice", inside((lines) => lines.toSpliced(3, 0, lines[3] ?? ""))],
    [
      "has a changed row",
      inside((lines) => lines.toSpliced(2, 1, '["eve","Alice\\n[]{}",1.5,null]')),
    ],
    ["lacks a table", inside((lines) => lines.filter((line) => !line.includes('"empty"')))],
    ["goes on after its end", inside((lines) => [...lines, lines[0] ?? ""])],
    ["begins in the middle", inside((lines) => lines.slice(1))],
    ["has a row of too few columns", inside((lines) => lines.toSpliced(2, 1, '["eve"]'))],
    ["has an unknown line", inside((lines) => lines.toSpliced(1, 0, '{"kind":"drop"}'))],
    [
      "has a changed header",
      inside((lines) => lines.with(0, (lines[0] ?? "").replace('"takenAtMs":7', '"takenAtMs":8'))),
    ],
    [
      "is of a newer format",
      inside((lines) => lines.with(0, (lines[0] ?? "").replace('"format":1', '"format":2'))),
    ],
  ];

  test.for(harm)("%s", async ([, change], { expect }) => {
    await using dir = await openTempDir();
    const file = path.join(dir.path, "b.gz");
    await writeBackup(file, sourceOf());
    const other = path.join(dir.path, "other.gz");
    await writeFile(other, change(await readFile(file)));
    await expect(verifyBackup(other)).rejects.toMatchObject({ code: "BACKUP_INVALID" });
  });

  test("is not there, or a folder", async ({ expect }) => {
    await using dir = await openTempDir();
    await expect(verifyBackup(path.join(dir.path, "none"))).rejects.toThrow(/no such file/u);
    await expect(verifyBackup(dir.path)).rejects.toThrow(/it is a folder/u);
  });
});

function inside(change: (lines: readonly string[]) => readonly string[]) {
  return (packed: Buffer) => {
    const lines = gunzipSync(packed).toString("utf8").trimEnd().split("\n");
    return gzipSync(`${change(lines).join("\n")}\n`);
  };
}
