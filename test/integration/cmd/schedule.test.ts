import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import { stringify } from "yaml";
import { entryOf } from "../../support/mcp.ts";
import { startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";
import { runCommand } from "./run-command.ts";

let home: Awaited<ReturnType<typeof openHome>>;
beforeAll(async () => {
  home = await openHome();
});
afterAll(() => home[Symbol.asyncDispose]());

describe("nexflow schedule", () => {
  test("adds, lists, pauses, resumes, runs and removes on a store that no server has", async ({
    expect,
  }) => {
    const { run, json } = home;
    const added = await json("add", "--every", "15m", "--message", "What is new?");
    expect(added).toMatchObject({
      schedule: {
        name: "What is new?",
        when: { kind: "every", everyMs: 900_000 },
        missed: "once",
        action: { kind: "message", text: "What is new?" },
        state: "active",
        nextAtMs: expect.any(Number),
      },
    });
    const { id } = added["schedule"] as { id: string };
    const cron = ["--cron", "0 9 * * 1-5", "--tz", "Europe/Berlin", "--missed", "all"];
    const call = ["--skill", "calculator", "--tool", "evaluate", "--input", '{"expression":"1+1"}'];
    const second = await json("add", "--name", "Sums", ...cron, ...call);
    expect(second).toMatchObject({
      schedule: {
        when: { kind: "cron", expression: "0 9 * * 1-5", timeZone: "Europe/Berlin" },
        missed: "all",
        action: { kind: "tool-call", input: { expression: "1+1" } },
      },
    });
    const list = await run("list");
    expect(list).toMatchObject({ code: 0, stdout: expect.stringContaining("every 900 s") });
    expect(list.stdout).toContain("0 9 * * 1-5 (Europe/Berlin)");
    expect(await json("pause", id)).toMatchObject({ schedule: { state: "paused" } });
    expect((await run("pause", id)).stdout).toBe('Paused "What is new?"\n');
    expect(await json("run", id)).toMatchObject({ firing: { scheduleId: id } });
    expect(await json("show", id)).toMatchObject({ firings: [{ state: "waiting" }] });
    expect((await run("show", id)).stdout).toContain("waiting");
    expect(await json("resume", id)).toMatchObject({ schedule: { state: "active" } });
    expect(await json("remove", id)).toEqual({ removed: id });
    expect(await json("list")).toMatchObject({ schedules: [{ name: "Sums" }] });
  });

  test("adds a call of an MCP server's tool, and remembers nothing of its tools", async ({
    expect,
  }) => {
    await using home = await openHome();
    const { run, json } = home;
    const servers = { plain: entryOf("plain"), lost: { command: "no-such-program" } };
    await writeFile(path.join(home.path, "mcp.yaml"), stringify({ servers }));
    const call = (skill: string, tool: string) => [
      "--every",
      "1h",
      "--skill",
      skill,
      "--tool",
      tool,
    ];
    const added = await json("add", ...call("mcp-plain", "add"), "--input", '{"a":1,"b":2}');
    expect(added).toMatchObject({ schedule: { action: { skill: "mcp-plain", tool: "add" } } });
    const wrong = await run("add", ...call("mcp-plain", "none"));
    expect(wrong).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("expected one of environment, add"),
    });
    const lost = await run("add", ...call("mcp-lost", "add"));
    expect(lost).toMatchObject({ code: 1, stderr: expect.stringContaining('no skill "mcp-lost"') });
    const env = { NEXFLOW_HOME: home.path };
    const { stdout } = await runCommand(["mcp", "test", "plain", "--json"], { env });
    const pins = (JSON.parse(stdout) as { tools: { pin: string }[] }).tools.map(({ pin }) => pin);
    expect(new Set(pins)).toEqual(new Set(["unseen"]));
    const list = await runCommand(["skill", "list"], { env });
    expect(list.stdout).toContain('Tools of the MCP server "plain"');
  });

  test.for<[string, string[], number, RegExp]>([
    ["no time", ["--message", "x"], 2, /expected --cron, --at or --every/u],
    [
      "two times",
      ["--every", "1h", "--at", "2999-01-01T00:00:00Z", "--message", "x"],
      2,
      /cannot be used with/u,
    ],
    ["nothing to do", ["--every", "1h"], 2, /expected --message or --skill/u],
    ["a skill without a tool", ["--every", "1h", "--skill", "calculator"], 2, /expected --tool/u],
    [
      "a span that is none",
      ["--every", "often", "--message", "x"],
      2,
      /expected a number and s, m, h or d/u,
    ],
    ["a time that is none", ["--at", "noon", "--message", "x"], 2, /expected a time such as/u],
    [
      "input that is no JSON",
      ["--every", "1h", "--skill", "a", "--tool", "b", "--input", "{"],
      2,
      /expected JSON/u,
    ],
    [
      "a zone without cron",
      ["--every", "1h", "--tz", "UTC", "--message", "x"],
      2,
      /--tz goes with --cron/u,
    ],
    ["cron that is none", ["--cron", "x", "--message", "x"], 1, /has not the form of one/u],
    ["too short a span", ["--every", "1s", "--message", "x"], 1, /expected 10 s to a year/u],
    [
      "a session that is not there",
      ["--every", "1h", "--message", "x", "--session", "none"],
      1,
      /There is no session "none"/u,
    ],
  ])("add refuses %s", async ([, args, code, message], { expect }) => {
    const refused = await home.run("add", ...args);
    expect(refused).toMatchObject({ code, stderr: expect.stringMatching(message) });
  });

  test("says what is not there", async ({ expect }) => {
    for (const what of ["show", "pause", "resume", "remove", "run"]) {
      const { code, stderr } = await home.run(what, "none");
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: 'nexflow: There is no schedule "none"\n',
      });
    }
    const env = { NEXFLOW_HOME: `${home.path}/none` };
    const { code, stderr } = await runCommand(["schedule", "list"], { env });
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no database yet"),
    });
  });

  test("a server that runs is asked, and what it refuses is said", async ({ expect }) => {
    await using server = await startNexflow();
    // Another data directory: whatever is there is the server's.
    const env = { NEXFLOW_HOME: home.path, NEXFLOW_PORT: String(server.port) };
    const run = (token: string, ...args: string[]) =>
      runCommand(["schedule", ...args], { env: { ...env, NEXFLOW_TOKEN: token } });
    const json = async (...args: string[]) =>
      JSON.parse((await run(server.token, ...args, "--json")).stdout);
    const cron = ["--cron", "0 9 * * 1-5", "--tz", "Europe/Berlin"];
    const { schedule } = await json("add", ...cron, "--message", "Good morning");
    expect(schedule).toMatchObject({ name: "Good morning", state: "active" });
    expect(await json("list")).toEqual({ schedules: [schedule] });
    expect(await json("pause", schedule.id)).toMatchObject({ schedule: { state: "paused" } });
    expect(await json("resume", schedule.id)).toMatchObject({ schedule: { state: "active" } });
    expect(await json("run", schedule.id)).toMatchObject({ firing: { scheduleId: schedule.id } });
    let shown = await json("show", schedule.id);
    while (shown.firings[0]?.state !== "done") shown = await json("show", schedule.id);
    expect(shown.firings).toMatchObject([
      { turnId: expect.any(String), lateMs: expect.any(Number) },
    ]);
    expect((await run(server.token, "show", schedule.id)).stdout).toContain("done");
    expect(await json("remove", schedule.id)).toEqual({ removed: schedule.id });
    expect(await json("list")).toEqual({ schedules: [] });
    const refused = await run(server.token, "add", "--every", "1s", "--message", "x");
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("10 s to a year") });
    expect(await run(server.token, "pause", "none")).toMatchObject({ code: 1 });
    const foreign = await run("another-token-0123456789abcdef", "list");
    expect(foreign).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("refused the token"),
    });
  });

  test("what is run beside a server is carried out by it", async ({ expect }) => {
    await using server = await startNexflow();
    const env = {
      NEXFLOW_HOME: server.homeDir,
      NEXFLOW_PORT: String(server.port),
    };
    const json = async (...args: string[]) =>
      JSON.parse((await runCommand(["schedule", ...args, "--json"], { env })).stdout);
    const added = await json("add", "--every", "1h", "--message", "/calculator 6*7");
    await json("run", added.schedule.id);
    const sessions = async () => {
      const headers = { authorization: `Bearer ${server.token}` };
      const response = await fetch(`${server.url}/api/v1/sessions?limit=9`, { headers });
      return ((await response.json()) as { sessions: { id: string; title: string }[] }).sessions;
    };
    let found = await sessions();
    while (found.length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      found = await sessions();
    }
    expect(found).toMatchObject([{ id: added.schedule.id, title: "/calculator 6*7" }]);
    expect(await json("remove", added.schedule.id)).toEqual({ removed: added.schedule.id });
    expect(await json("list")).toEqual({ schedules: [] });
  });
});

/** A data directory with an empty store and nobody serving it. */
async function openHome() {
  const dir = await openTempDir();
  const env = { NEXFLOW_HOME: dir.path, NEXFLOW_PORT: "1" };
  await runCommand(["migrate"], { env });
  await runCommand(["login"], { env });
  const run = (...args: string[]) => runCommand(["schedule", ...args], { env });
  return {
    path: dir.path,
    run,
    json: async (...args: string[]) =>
      JSON.parse((await run(...args, "--json")).stdout) as Record<string, unknown>,
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}
