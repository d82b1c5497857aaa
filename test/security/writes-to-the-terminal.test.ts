import { writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "vitest";
import { runCommand } from "../integration/cmd/run-command.ts";
import { openTempDir } from "../support/temp-dir.ts";

const ESCAPE = "\u001B]0;owned\u0007\u009B2J";

test("a manifest that cannot be read sends the terminal no commands", async ({ expect }) => {
  await using dir = await openTempDir();
  await Promise.all([
    writeFile(path.join(dir.path, "nexflow.json"), `${ESCAPE} is no JSON`),
    writeFile(path.join(dir.path, "SKILL.md"), "---\nname: hostile\ndescription: x\n---\nx\n"),
  ]);
  const { code, stderr } = await runCommand(["skill", "run", dir.path, "--tool", "try-it"]);
  expect(code).toBe(1);
  expect(stderr).toContain("expected JSON");
  expect(stderr).not.toContain("\u001B");
  expect(stderr).not.toContain("\u009B");
});
