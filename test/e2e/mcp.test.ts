import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { runCommand } from "../integration/cmd/run-command.ts";
import { entryOf } from "../support/mcp.ts";
import { openAiOf } from "../support/openai-agent.ts";
import { SessionClient } from "../support/session-client.ts";
import { startNexflow, TEST_TOKEN } from "../support/start-nexflow.ts";
import { openTempDir } from "../support/temp-dir.ts";

const ENV = { NEXFLOW_AGENT_THREADS: "1", NEXFLOW_SANDBOX_PROCESSES: "1" };

/** Command lines of processes that were started for a test of this name. */
function processesOf(name: string): readonly string[] {
  const lines = execFileSync("ps", ["-eo", "args"]).toString().split("\n");
  return lines.filter((line) => line.includes(name) && !line.startsWith("ps "));
}

test("tools of MCP servers are the agent's, and their processes die with it", async () => {
  await using dir = await openTempDir();
  const mark = path.basename(dir.path);
  const servers = {
    plain: entryOf("plain", mark),
    stays: { ...entryOf("hostile", "stays"), args: [...entryOf("hostile", "stays").args, mark] },
  };
  const text = stringify({ servers }, { aliasDuplicateObjects: false });
  await writeFile(path.join(dir.path, "mcp.yaml"), text);
  await using server = await startNexflow({ homeDir: dir.path, env: ENV });
  const client = openAiOf(server, server.token);
  const input = '/mcp-plain.add {"a": 20, "b": 22}';
  const { output_text: answer } = await client.responses.create({ model: "nexflow", input });
  expect(answer).toContain("42");
  const headers = { authorization: `Bearer ${server.token}` };
  const listed = await fetch(`${server.url}/api/v1/tasks`, { headers });
  expect(await listed.json()).toMatchObject({
    tasks: [{ skill: "mcp-plain", tool: "add", state: "completed", output: { sum: 42 } }],
  });
  expect(processesOf(mark).length).toBeGreaterThanOrEqual(4);
  await server.kill();
  await expect.poll(() => processesOf(mark), { timeout: 5_000 }).toEqual([]);
});

test("a call is shown while it runs, and stopped by itself", async () => {
  await using dir = await openTempDir();
  const text = stringify({ servers: { plain: entryOf("plain") } });
  await writeFile(path.join(dir.path, "mcp.yaml"), text);
  await using server = await startNexflow({ homeDir: dir.path, env: ENV });
  const client = openAiOf(server, server.token);
  const input = "/mcp-plain.hang {}";
  const answered = client.responses.create({ model: "nexflow", input });
  const env = {
    NEXFLOW_HOME: dir.path,
    NEXFLOW_PORT: String(server.port),
    NEXFLOW_TOKEN: server.token,
  };
  const task = (...args: readonly string[]) => runCommand(["task", ...args, "--json"], { env });
  const listed = async () => {
    const { stdout } = await task("list", "--state", "running");
    return (JSON.parse(stdout) as { readonly tasks: readonly { readonly id: string }[] }).tasks;
  };
  await expect.poll(listed, { timeout: 10_000 }).toHaveLength(1);
  const [running] = await listed();
  const cancelled = await task("cancel", running?.id ?? "");
  expect(cancelled.code).toBe(0);
  expect((await answered).status).toBe("completed");
  const shown = JSON.parse((await task("show", running?.id ?? "")).stdout) as object;
  expect(shown).toMatchObject({
    task: {
      state: "cancelled",
      tool: "hang",
      policyHash: expect.stringMatching(/^[0-9a-f]{64}$/u),
    },
  });
  const none = await task("show", "none");
  expect(none.code).toBe(1);
  expect(none.stdout + none.stderr).toContain("Cannot find this task");
});

test("they are listed, scheduled and recorded as any other skill's", async () => {
  await using dir = await openTempDir();
  const servers = {
    plain: entryOf("plain"),
    careful: entryOf("plain", "", { approvals: { external: "ask" } }),
    broken: { command: "no-such-program" },
  };
  await writeFile(path.join(dir.path, "mcp.yaml"), stringify({ servers }));
  const env = { NEXFLOW_HOME: dir.path, NEXFLOW_TOKEN: TEST_TOKEN };
  const server = await startNexflow({ homeDir: dir.path, env: ENV });
  await using _stopped = server;
  const user = new SessionClient(server);
  const { json: listed } = await user.ask("GET", "/skills");
  const names = listed.skills.map(({ name }: { name: string }) => name);
  expect(names).toEqual(expect.arrayContaining(["calculator", "mcp-plain", "mcp-careful"]));
  expect(names).not.toContain("agent");
  expect(names).not.toContain("mcp-broken");
  const skill = listed.skills.find(({ name }: { name: string }) => name === "mcp-plain");
  expect(skill.tools).toContainEqual({
    name: "add",
    description: "Adds two numbers",
    effects: ["external"],
    examples: [],
  });

  const add = (skillName: string, tool: string, input: object) =>
    user.ask("POST", "/schedules", {
      name: `${skillName}.${tool}`,
      when: { kind: "every", everyMs: 86_400_000 },
      action: { kind: "tool-call", skill: skillName, tool, input },
    });
  /** The task of a firing out of turn, as it ended. */
  const fire = async (skillName: string, input: object) => {
    const { json: schedule } = await add(skillName, "add", input);
    expect((await user.ask("POST", `/schedules/${schedule.id}/run`)).status).toBe(202);
    const ended = async () => {
      const { json } = await user.ask("GET", `/schedules/${schedule.id}/firings`);
      return json.firings[0];
    };
    await expect
      .poll(async () => (await ended())?.state, { timeout: 15_000 })
      .toMatch(/done|failed/u);
    const { json } = await user.ask("GET", "/tasks");
    return json.tasks[0];
  };
  const done = await fire("mcp-plain", { a: 20, b: 22 });
  expect(done).toMatchObject({
    skill: "mcp-plain",
    tool: "add",
    state: "completed",
    output: { sum: 42 },
    skillDigest: expect.stringMatching(/^sha256:/u),
    policyHash: expect.stringMatching(/^[0-9a-f]{64}$/u),
  });
  const { json: audit } = await user.ask("GET", "/audit?action=mcp-call.made");
  expect(audit.entries).toMatchObject([
    {
      subject: { value: "skill:mcp-plain" },
      detail: { value: { tool: "add", callId: done.id, outcome: "ok" } },
    },
  ]);
  expect(await fire("mcp-plain", { a: "twenty" })).toMatchObject({
    state: "failed",
    failure: { code: "invalid-input" },
  });
  expect(await fire("mcp-careful", { a: 1, b: 1 })).toMatchObject({
    state: "failed",
    failure: {
      code: "approval-needed",
      message: expect.stringContaining("mcp.yaml: servers.careful.approvals.external"),
    },
  });
  const { json: after } = await user.ask("GET", "/audit?action=mcp-call.made");
  expect(after.entries).toHaveLength(1);
  expect((await add("mcp-plain", "none", {})).json.detail).toContain('has no tool "none"');
  expect((await add("mcp-broken", "add", {})).json.detail).toContain('no skill "mcp-broken"');

  const command = { ...env, NEXFLOW_PORT: String(server.port) };
  const run = async (...args: readonly string[]) =>
    JSON.parse((await runCommand([...args, "--json"], { env: command })).stdout);
  const namesOf = async () =>
    (await run("skill", "list")).skills.map(({ name }: { name: string }) => name);
  expect(await namesOf()).toEqual(names);
  // The same without a server.
  await server.stop();
  expect(await namesOf()).toEqual(expect.arrayContaining(["calculator", "mcp-plain"]));
  const call = ["--skill", "mcp-plain", "--tool", "add", "--input", '{"a":1,"b":1}'];
  expect(await run("schedule", "add", "--every", "1d", ...call)).toMatchObject({
    schedule: { action: { skill: "mcp-plain", tool: "add" } },
  });
});

test("a schedule's call waits for a server that is slow to begin", async () => {
  await using dir = await openTempDir();
  const plain = entryOf("plain");
  const write = (servers: object) =>
    writeFile(path.join(dir.path, "mcp.yaml"), stringify({ servers }));
  await write({ plain });
  await using first = await startNexflow({ homeDir: dir.path, env: ENV });
  const { json: schedule } = await new SessionClient(first).ask("POST", "/schedules", {
    name: "sum",
    when: { kind: "every", everyMs: 86_400_000 },
    action: { kind: "tool-call", skill: "mcp-plain", tool: "add", input: { a: 20, b: 22 } },
  });
  await first.stop();
  const args = ["-c", 'sleep 7; exec "$0" "$@"', plain.command, ...plain.args];
  await write({ plain: { ...plain, command: "/bin/sh", args } });
  await using server = await startNexflow({ homeDir: dir.path, env: ENV });
  const user = new SessionClient(server);
  const { json: before } = await user.ask("GET", "/skills");
  expect(before.skills.map(({ name }: { name: string }) => name)).not.toContain("mcp-plain");
  expect((await user.ask("POST", `/schedules/${schedule.id}/run`)).status).toBe(202);
  const firing = async () =>
    (await user.ask("GET", `/schedules/${schedule.id}/firings`)).json.firings[0];
  await expect
    .poll(async () => (await firing()).state, { timeout: 45_000 })
    .toMatch(/done|failed/u);
  expect(await firing()).toMatchObject({ state: "done" });
  const { json } = await user.ask("GET", "/tasks");
  expect(json.tasks).toMatchObject([{ state: "completed", output: { sum: 42 } }]);
});
