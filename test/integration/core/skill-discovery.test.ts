import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "vitest";
import { openListeningModel, type ToldRequest } from "../../support/listening-model.ts";
import { SessionClient } from "../../support/session-client.ts";
import { startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";
import { runCommand } from "../cmd/run-command.ts";

const lastOf = ({ messages }: ToldRequest) => String(messages.at(-1)?.content);

async function plant(root: string, name: string, text = skillText(name, `Do ${name}.`)) {
  await mkdir(path.join(root, name), { recursive: true });
  await writeFile(path.join(root, name, "SKILL.md"), text);
}

function skillText(name: string, words: string): string {
  return `---\nname: ${name}\ndescription: About ${name}.\n---\n${words}\n`;
}

test("skills of NEXFLOW_HOME/skills and .agents/skills are found, used and kept", async ({
  expect,
}) => {
  await using dir = await openTempDir();
  const home = path.join(dir.path, "home");
  const project = path.join(dir.path, "project");
  const ofHome = path.join(home, "skills");
  const ofProject = path.join(project, ".agents/skills");
  await plant(ofHome, "letters");
  await plant(ofProject, "diary", skillText("diary", "Sign with a fountain pen."));
  await plant(ofHome, "both", skillText("both", "The one of the home."));
  await plant(ofProject, "both", skillText("both", "The one of the project."));
  await plant(ofProject, "broken", "no front matter");
  await plant(ofProject, "bent", "---\nname: Bent Name\ndescription: Bends: rules.\n---\nBend.\n");

  await using model = await openListeningModel((request) => {
    const [, name] = /^use (\w+)$/u.exec(lastOf(request)) ?? [];
    return name === undefined ? { text: "Done" } : { tool: "activate_skill", input: { name } };
  });
  await using server = await startNexflow({ homeDir: home, cwd: project, env: model.env });
  const user = new SessionClient(server);

  const { json } = await user.ask("GET", "/skills");
  const names = json.promptSkills.map(({ name }: { name: string }) => name);
  expect(names).toEqual(expect.arrayContaining(["both", "diary", "letters"]));
  expect(names).toHaveLength(4);
  expect(names).not.toContain("broken");
  const warnings = server.output().split("\n");
  const told = warnings.find((line) => line.includes("A skill does not load: SKILL.md"));
  expect(told).toContain(path.join(ofProject, "broken"));
  expect(server.output()).toContain('Another skill is called \\"both\\" already');
  expect(server.output()).toMatch(/A skill is taken: .*name/u);

  const { sessionId } = await user.say("use diary");
  expect(lastOf(model.requests[1] as ToldRequest)).toContain("Sign with a fountain pen.");
  await user.say("use both");
  const used = model.requests.map(lastOf).join("\n");
  expect(used).toContain("The one of the home.");
  expect(used).not.toContain("The one of the project.");

  // What was said is put into an extract; the instructions stay as they are.
  await user.say(`Mind this: ${"blue ".repeat(100)}marble.`, sessionId);
  await user.say("And now?", sessionId);
  const compacted = await user.ask("POST", `/sessions/${sessionId}/compactions`);
  expect(compacted.status).toBe(201);
  await user.say("Go on", sessionId);
  const { messages } = model.requests.at(-1) as ToldRequest;
  const spoken = messages.filter(({ role }) => role === "user").map(({ content }) => content);
  expect(spoken).not.toContain("use diary");
  const results = messages.filter(({ role }) => role === "tool").map(({ content }) => content);
  expect(results).toEqual([expect.stringContaining("Sign with a fountain pen.")]);

  const env = { NEXFLOW_HOME: home, NEXFLOW_PORT: String(server.port) };
  const listed = await runCommand(["skill", "list", "--json"], { env, cwd: project });
  const { promptSkills } = JSON.parse(listed.stdout) as {
    promptSkills: { name?: string; folder: string; fault?: string }[];
  };
  expect(promptSkills.filter(({ name }) => name === "both")).toMatchObject([
    { folder: path.join(ofHome, "both") },
    { folder: path.join(ofProject, "both"), fault: expect.stringContaining("already") },
  ]);
  expect(promptSkills.find(({ folder }) => folder.endsWith("broken"))?.fault).toContain(
    "front matter",
  );
});
