import path from "node:path";
import { test } from "vitest";
import { listLoaded, listSourcesIn, TELLING_WHAT_IS_LOADED } from "../../support/loaded-modules.ts";
import { openTempDir } from "../../support/temp-dir.ts";
import { runCommand } from "./run-command.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const SOURCES = path.join(ROOT, "src/main.ts");
const OF_THE_RUNTIME = /^(?:runtime|skills-registry)\//u;
const SMALL_DOORS = /^(?:runtime\/describe-issues|skills-registry\/template)\.ts$/u;

test.for([[["--help"]], [["model", "list"]], [["mcp", "list"]]])(
  "%o loads nothing of the runtime but small doors",
  async ([args = []], { expect }) => {
    const [built, sources] = await Promise.all([
      listOfTheRuntime(args),
      listOfTheRuntime(args, SOURCES),
    ]);
    expect(built.filter((file) => !SMALL_DOORS.test(file))).toEqual([]);
    expect(sources.filter((file) => !SMALL_DOORS.test(file))).toEqual([]);
  },
);

test("what the commands above are held to finds the runtime where it is loaded", async ({
  expect,
}) => {
  expect(await listOfTheRuntime(["skill", "list"])).toContain("runtime/policy/policy-book.ts");
  expect(await listOfTheRuntime(["skill", "list"], SOURCES)).toContain("runtime/index.ts");
});

/** The sources of the runtime that a command loads, as they are or in what was built of them. */
async function listOfTheRuntime(
  args: readonly string[],
  main?: string,
): Promise<readonly string[]> {
  await using dir = await openTempDir();
  const env = { NEXFLOW_HOME: dir.path, ...TELLING_WHAT_IS_LOADED };
  const { code, stderr } = await runCommand(args, { env, ...(main === undefined ? {} : { main }) });
  if (code !== 0) throw new Error(`"${args.join(" ")}" ended with ${code}: ${stderr}`);
  const loaded = listLoaded(stderr).map((file) => path.relative(ROOT, file));
  const built = loaded.filter((file) => file.startsWith("src/dist/"));
  if (built.length > 0 !== (main === undefined)) throw new Error(`It ran ${loaded.join(", ")}`);
  const sources = [...loaded, ...(await listSourcesIn(built.map((file) => path.join(ROOT, file))))];
  return sources.filter((file) => OF_THE_RUNTIME.test(file));
}
