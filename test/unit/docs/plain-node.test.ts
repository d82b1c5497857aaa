import { execFile } from "node:child_process";
import { glob, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { test } from "vitest";
import { openTempDir } from "../../support/temp-dir.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const run = promisify(execFile);

/*
 * Vitest transforms what it runs and so hides syntax that plain Node does not know, `await using`
 * above all. Here Node itself reads what it will have to run.
 */

test("plain Node parses every source of the program", async ({ expect }) => {
  const files: string[] = [];
  const sources = glob(["{src,runtime,skills-registry,bench}/**/*.ts", "src/*.js"], { cwd: ROOT });
  for await (const file of sources) {
    // AssemblyScript is another language, and the page is compiled for browsers.
    if (/\/(?:assembly|web|dist)\/|\.d\.ts$/u.test(file)) continue;
    files.push(path.join(ROOT, file));
  }
  expect(files.length).toBeGreaterThan(100);
  expect(await parseAll(files)).toEqual([]);
});

test("the check finds syntax that plain Node does not know", async ({ expect }) => {
  await using dir = await openTempDir();
  const planted = {
    "using.ts": "export async function f() {\n  await using x = await g();\n}\n",
    "enum.ts": "export enum Kind { A }\n",
    "fine.ts": "export const a: number = await Promise.resolve(1);\n",
  };
  for (const [name, source] of Object.entries(planted)) {
    await writeFile(path.join(dir.path, name), source);
  }
  const faults = await parseAll(Object.keys(planted).map((name) => path.join(dir.path, name)));
  expect(faults.map((fault) => path.basename(fault.split(": ")[0] ?? ""))).toEqual([
    "using.ts",
    "enum.ts",
  ]);
});

test("plain Node loads the program and shows its help", async ({ expect }) => {
  const { stdout } = await run(process.execPath, [path.join(ROOT, "src/nexflow.js"), "--help"]);
  expect(stdout).toContain("Usage: nexflow");
});

const PARSE = `
  const { stripTypeScriptTypes } = await import("node:module");
  const { readFileSync } = await import("node:fs");
  const { SourceTextModule } = await import("node:vm");
  const faults = [];
  for (const file of process.argv.slice(1)) {
    try {
      new SourceTextModule(stripTypeScriptTypes(readFileSync(file, "utf8")), { identifier: file });
    } catch (error) {
      faults.push(file + ": " + error.message);
    }
  }
  console.log(JSON.stringify(faults));
`;

/** What Node says of the files that it cannot parse, once their types are stripped. */
async function parseAll(files: readonly string[]): Promise<readonly string[]> {
  const flags = ["--experimental-vm-modules", "--no-warnings", "--input-type=module"];
  const { stdout } = await run(process.execPath, [...flags, "--eval", PARSE, "--", ...files]);
  return JSON.parse(stdout) as string[];
}
