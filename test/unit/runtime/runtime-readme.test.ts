import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { test } from "vitest";
import { PLATFORM_LIMITS } from "../../../runtime/policy/limits.ts";
import { LAYER_NAMES, type Layers } from "../../../runtime/supervisor/layers/layers.ts";
import { missingLayersFor } from "../../../runtime/supervisor/layers/missing-layers.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const run = promisify(execFile);
const readme = await readFile(path.join(ROOT, "runtime/README.md"), "utf8");

test("runtime/README.md's example runs as written", async ({ expect }) => {
  const [, example = ""] = /```ts\n(.*?)```/su.exec(readme) ?? [];
  const flags = ["--input-type=module-typescript", "--no-warnings", "--eval", example];
  const { stdout } = await run(process.execPath, flags, { cwd: ROOT });
  expect(stdout).toBe("asked to greet Ada\n{ greeting: 'Hello, Ada' }\n");
});

test("runtime/README.md has every limit and every error code, and no other", async ({ expect }) => {
  const section = sectionOf("Limits");
  const rows = section.match(/^\| `.*$/gmu) ?? [];
  const limits = rows.flatMap((row) => codesIn(row.split("|")[1] ?? ""));
  expect(limits.toSorted()).toEqual(Object.keys(PLATFORM_LIMITS).toSorted());
  const source = await readFile(path.join(ROOT, "runtime/invoke.ts"), "utf8");
  const [, union = ""] = source.split("export type SkillErrorCode =\n", 2);
  const codes = Array.from(union.matchAll(/^ {2}\| "([a-z-]+)"/gmu), ([, code = ""]) => code);
  const [, others = ""] = /The other errors: (.*)$/mu.exec(section) ?? [];
  const named = [...rows.flatMap((row) => codesIn(row.split("|")[3] ?? "")), ...codesIn(others)];
  expect(named.toSorted()).toEqual(codes.toSorted());
});

test("runtime/README.md has every layer, and those that skills need", async ({ expect }) => {
  const section = sectionOf("Layers");
  const rows = section.match(/^\| `.*$/gmu) ?? [];
  const layers = rows.flatMap((row) => codesIn(row.split("|")[1] ?? ""));
  expect(layers.toSorted()).toEqual(LAYER_NAMES.toSorted());
  const bare: Layers = { launcher: [], states: [] };
  const [, needed = ""] = /Community skills need (.*?);/u.exec(section) ?? [];
  expect(codesIn(needed).toSorted()).toEqual(missingLayersFor("community", bare).toSorted());
});

test("runtime/README.md has every option", async ({ expect }) => {
  const source = await readFile(path.join(ROOT, "runtime/runtime.ts"), "utf8");
  const [, body = ""] = /export interface RuntimeOptions \{\n(.*?)\n\}/su.exec(source) ?? [];
  const options = Array.from(body.matchAll(/^ {2}readonly (\w+)\??:/gmu), ([, name = ""]) => name);
  const rows = sectionOf("Options").match(/^\| `.*$/gmu) ?? [];
  const named = rows.slice(1).flatMap((row) => codesIn(row.split("|")[1] ?? ""));
  expect(named.toSorted()).toEqual(options.toSorted());
});

function sectionOf(title: string): string {
  const [, section = ""] =
    new RegExp(`^## ${title}\n(.*?)(?=^## |$(?![^]))`, "msu").exec(readme) ?? [];
  return section;
}

/** What stands in backquotes and is a name, not a value. */
function codesIn(text: string): readonly string[] {
  return Array.from(text.matchAll(/`([a-zA-Z][\w-]*)`/gu), ([, name = ""]) => name);
}
