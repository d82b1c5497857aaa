import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { main } from "assemblyscript/asc";
import { onTestFinished, test } from "vitest";
import { openRuntime } from "../../../runtime/index.ts";
import { loadSkill, toSkillCode } from "../../../skills-registry/index.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const POLICY_DIR = path.join(ROOT, "sandbox-policies");
const guide = await readFile(path.join(ROOT, "docs/skills.md"), "utf8");

test("the guide's first skill runs as written", async ({ expect }) => {
  const folder = await writeSkill("greeter", ["SKILL.md", "nexflow.json", "index.js"]);
  expect(await runSkill(folder, "greet", { person: "Ada" })).toMatchObject({
    kind: "ok",
    output: { greeting: expect.stringMatching(/^Good (?:morning|afternoon|evening), Ada!$/u) },
  });
});

test("the guide's WebAssembly skill builds and runs as written", { timeout: 60_000 }, async ({
  expect,
}) => {
  const folder = await writeSkill("shout", ["nexflow.json", "assembly/index.ts"]);
  await writeFile(
    path.join(folder, "SKILL.md"),
    "---\nname: shout\ndescription: Writes a text in capitals.\n---\n",
  );
  const command = /^npx asc (?<args>.+)$/mu.exec(guide)?.groups?.["args"] ?? "";
  const paths = ["--baseDir", folder, "--path", path.join(ROOT, "node_modules")];
  const { error } = await main([...command.split(" "), ...paths]);
  expect(error).toBeNull();
  expect(await runSkill(folder, "shout", { text: "h\u00e9llo" })).toMatchObject({
    kind: "ok",
    output: { text: "H\u00c9LLO" },
  });
  expect(await runSkill(folder, "shout", { text: "" })).toMatchObject({
    kind: "error",
    error: { code: "failed", message: expect.stringContaining("Cannot shout nothing") },
  });
});

/** Writes the files that the guide shows: each the first code block after its name. */
async function writeSkill(name: string, files: readonly string[]): Promise<string> {
  const parent = await mkdtemp(path.join(tmpdir(), "nexflow-guide-"));
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
  for (const file of files) {
    const [, after = ""] = guide.split(`\`${name}/${file}\``, 2);
    const content = /```\w+\n(?<content>.*?)```/su.exec(after)?.groups?.["content"] ?? "";
    const target = path.join(parent, name, file);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, content);
  }
  return path.join(parent, name);
}

async function runSkill(folder: string, tool: string, input: Readonly<Record<string, string>>) {
  await using runtime = await openRuntime({ policyDir: POLICY_DIR, minProcesses: 1 });
  return runtime.invoke({
    skill: toSkillCode(await loadSkill(folder)),
    tool,
    input,
    userId: "test",
  });
}
