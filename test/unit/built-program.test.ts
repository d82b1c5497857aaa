import { mkdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "vitest";
import { BUILD_RECORD, BUILT_DIR, findBuiltProgram, toSha256 } from "../../src/built-program.js";
import { openTempDir } from "../support/temp-dir.ts";

const TEXT = "export const answer = 42;\n";
const PROGRAM = `${BUILT_DIR}/0123/main.js`;

test("findBuiltProgram() gives the program while its sources are what they were", async ({
  expect,
}) => {
  await using there = await openBuilt();
  expect(findBuiltProgram(there.root)).toBe(path.join(there.root, PROGRAM));
});

test("findBuiltProgram() finds a change that leaves size and time of writing as they were", async ({
  expect,
}) => {
  await using there = await openBuilt();
  const { atime, mtime } = await stat(there.source);
  await writeFile(there.source, TEXT.replace("42", "43"));
  await utimes(there.source, atime, mtime);
  expect(findBuiltProgram(there.root)).toBeUndefined();
});

test("findBuiltProgram() finds a file that was put in a source's place", async ({ expect }) => {
  await using there = await openBuilt();
  const other = `${there.source}.new`;
  await writeFile(other, TEXT.replace("42", "43"));
  await rename(other, there.source);
  expect(findBuiltProgram(there.root)).toBeUndefined();
});

test("findBuiltProgram() takes a source for the same where only its time changed", async ({
  expect,
}) => {
  await using there = await openBuilt();
  await utimes(there.source, new Date(0), new Date(0));
  expect(findBuiltProgram(there.root)).toBe(path.join(there.root, PROGRAM));
});

test("findBuiltProgram() does not read a source that nobody touched", async ({ expect }) => {
  await using there = await openBuilt({ sha256: "unread" });
  expect(findBuiltProgram(there.root)).toBe(path.join(there.root, PROGRAM));
  await utimes(there.source, new Date(0), new Date(0));
  expect(findBuiltProgram(there.root)).toBeUndefined();
});

test("findBuiltProgram() gives nothing where a source, the record or its end is gone", async ({
  expect,
}) => {
  await using there = await openBuilt();
  await rm(there.source);
  expect(findBuiltProgram(there.root)).toBeUndefined();
  await writeFile(there.source, TEXT);
  expect(findBuiltProgram(there.root)).toBeDefined();
  await writeFile(path.join(there.root, BUILD_RECORD), '{"program":"src/dist/0123/main.js",');
  expect(findBuiltProgram(there.root)).toBeUndefined();
  await rm(path.join(there.root, BUILD_RECORD));
  expect(findBuiltProgram(there.root)).toBeUndefined();
});

/** A record of one source, as it is. */
async function openBuilt({ sha256 = toSha256(TEXT) } = {}) {
  const dir = await openTempDir();
  const source = path.join(dir.path, "source.ts");
  await mkdir(path.join(dir.path, BUILT_DIR), { recursive: true });
  await writeFile(source, TEXT);
  const { size, ctimeMs } = await stat(source);
  const sources = [{ file: "source.ts", sha256, bytes: size, changedMs: ctimeMs }];
  const record = JSON.stringify({ program: PROGRAM, sources });
  await writeFile(path.join(dir.path, BUILD_RECORD), record);
  await untilTimeMoves(dir.path, ctimeMs);
  return {
    root: dir.path,
    source,
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

/** The clock of files goes in steps of some milliseconds: a change in the same one bears its time. */
async function untilTimeMoves(folder: string, fromMs: number): Promise<void> {
  const probe = path.join(folder, "probe");
  do {
    await writeFile(probe, "");
  } while ((await stat(probe)).ctimeMs === fromMs);
}
