import { chmod, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { test } from "vitest";
import { runCommand } from "../integration/cmd/run-command.ts";
import { openTempDir } from "../support/temp-dir.ts";

test("what Nexflow writes is private even in a directory that is open to all", async ({
  expect,
}) => {
  await using dir = await openTempDir();
  await chmod(dir.path, 0o755);
  const { code } = await runCommand(["migrate"], { env: { NEXFLOW_HOME: dir.path } });
  expect(code).toBe(0);
  const names = await readdir(dir.path);
  expect(names).toContain("nexflow.db");
  const modes = await Promise.all(names.map((name) => stat(path.join(dir.path, name))));
  expect(modes.map(({ mode }) => mode & 0o077)).toEqual(names.map(() => 0));
});
