import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { main } from "assemblyscript/asc";
import { onTestFinished, test } from "vitest";
import { type JsonValue, openRuntime } from "../../../runtime/index.ts";
import { toEffectivePolicy } from "../../../runtime/policy/effective-policy.ts";
import { readPolicies } from "../../../runtime/policy/read-policies.ts";
import { parsePolicy } from "../../../runtime/policy/sandbox-policy.ts";
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

test("the guide's WebAssembly skill builds and runs as written", async ({ expect }) => {
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

test("the guide's skill that remembers keeps notes for each user alone", async ({ expect }) => {
  const folder = await writeGuideSkill("notes", "Keeps notes.");
  await using runtime = await openRuntime({ policyDir: POLICY_DIR, minProcesses: 1 });
  const skill = toSkillCode(await loadSkill(folder));
  const call = (tool: string, input: JsonValue, userId: string) =>
    runtime.invoke({ skill, tool, input, userId });
  for (const text of ["buy milk", "call Bob"]) await call("add", { text }, "ada");
  expect(await call("list", {}, "ada")).toMatchObject({
    kind: "ok",
    output: { notes: ["buy milk", "call Bob"] },
  });
  expect(await call("list", {}, "eve")).toMatchObject({ kind: "ok", output: { notes: [] } });
});

test("the guide's skill that asks a server is denied under the shipped policies", async ({
  expect,
}) => {
  const folder = await writeGuideSkill("tickets", "Searches tickets.");
  const result = await runSkill(folder, "search", { text: "login" });
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "denied", rule: expect.stringMatching(/^default\.yaml:\d+: /u) },
  });
});

test("the guide's policy grants that skill what it asks for", async ({ expect }) => {
  const folder = await writeGuideSkill("tickets", "Searches tickets.");
  const shown = readGuideFile("sandbox-policies/tickets.yaml");
  const policies = [parsePolicy(shown, "tickets.yaml"), ...(await readPolicies(POLICY_DIR))];
  const rights = toEffectivePolicy(policies, toSkillCode(await loadSkill(folder)));
  expect(rights).toMatchObject({
    kind: "granted",
    limits: { wallMs: 10_000, hostCallsAtOnce: 4, callsPerUser: 2 },
    grants: {
      config: { verdict: "allowed", values: { PROJECT: "nexflow" } },
      http: { verdict: "allowed" },
      secrets: [{ verdict: "allowed", name: "TICKETS_TOKEN" }],
    },
  });
});

/** A skill of the guide in JavaScript, with a `SKILL.md` that it does not show. */
async function writeGuideSkill(name: string, description: string): Promise<string> {
  const folder = await writeSkill(name, ["nexflow.json", "index.js"]);
  await writeFile(
    path.join(folder, "SKILL.md"),
    `---\nname: ${name}\ndescription: ${description}\n---\n`,
  );
  return folder;
}

/** Writes the files that the guide shows. */
async function writeSkill(name: string, files: readonly string[]): Promise<string> {
  const parent = await mkdtemp(path.join(tmpdir(), "nexflow-guide-"));
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
  for (const file of files) {
    const target = path.join(parent, name, file);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, readGuideFile(`${name}/${file}`));
  }
  return path.join(parent, name);
}

/** A file as the guide shows it: the first code block after its name. */
function readGuideFile(file: string): string {
  const [, after = ""] = guide.split(`\`${file}\``, 2);
  return /```\w+\n(?<content>.*?)```/su.exec(after)?.groups?.["content"] ?? "";
}

async function runSkill(folder: string, tool: string, input: Readonly<Record<string, string>>) {
  await using runtime = await openRuntime({ policyDir: POLICY_DIR, minProcesses: 1 });
  return await runtime.invoke({
    skill: toSkillCode(await loadSkill(folder)),
    tool,
    input,
    userId: "test",
  });
}
