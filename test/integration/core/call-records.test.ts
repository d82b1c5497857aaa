import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { test } from "vitest";
import { readCalls } from "#infrastructure/store/local-store.ts";
import { databaseFile } from "#infrastructure/store/open-store.ts";
import { ChatClient } from "../../support/chat-client.ts";
import { startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";

const SKILLS = fileURLToPath(new URL("../../fixtures/watched-skills", import.meta.url));

test("what a skill asked for in a chat is on record after the server was stopped", async ({
  expect,
}) => {
  await using home = await openTempDir();
  await using server = await startNexflow({ homeDir: home.path });
  await using client = await ChatClient.open(server.url, server.token);
  await client.ask("/clock.now {}");
  expect(await server.stop()).toBe(0);

  const query = { skill: "clock", isDenied: false, limit: 10 };
  const calls = (await readCalls({ homeDir: home.path, databaseUrl: undefined }, query)) ?? [];
  const database = new Database(databaseFile(home.path), { readonly: true });
  const taskId: unknown = database.prepare("SELECT task_id FROM task").pluck().get();
  database.close();
  const about = { callId: taskId, skill: "clock" };
  expect(calls).toMatchObject([
    {
      ...about,
      kind: "host-call",
      decision: "allowed",
      rule: expect.stringContaining("grants.clock"),
    },
    { ...about, kind: "call", tool: "now", outcome: "ok", userId: "admin", hostCalls: 1 },
  ]);
});

test("a skill that keeps being killed is quarantined: on record, in the log, ready all the same", async ({
  expect,
}) => {
  await using home = await openTempDir();
  await using server = await startNexflow({
    homeDir: home.path,
    env: { NEXFLOW_SKILLS_DIR: SKILLS, NEXFLOW_AGENT_THREADS: "1" },
  });
  await using client = await ChatClient.open(server.url, server.token);
  for (let call = 1; call <= 6; call++) await client.ask("/spins.run {}");
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  expect(await server.stop()).toBe(0);

  const query = { skill: "spins", isDenied: false, limit: 10 };
  const calls = (await readCalls({ homeDir: home.path, databaseUrl: undefined }, query)) ?? [];
  const outcomes = calls.flatMap((call) => (call.kind === "call" ? [call.outcome] : []));
  expect(outcomes.slice(0, 5)).toEqual(
    Array(5).fill(expect.stringMatching(/^(?:cpu|wall)-time$/u)),
  );
  expect(outcomes[5]).toBe("quarantined");
  const notice = server
    .output()
    .split("\n")
    .find((line) => line.includes("skill-quarantined"));
  expect(JSON.parse(notice ?? "{}")).toMatchObject({ level: "error", notice: { skill: "spins" } });
});

test("a secret for skills stands in no log, also where a skill has logged it", async ({
  expect,
}) => {
  const secret = "sk-0123456789-canary";
  await using server = await startNexflow({
    env: {
      NEXFLOW_SKILLS_DIR: SKILLS,
      NEXFLOW_SECRET_API_TOKEN: secret,
      NEXFLOW_LOG_LEVEL: "debug",
    },
  });
  await using client = await ChatClient.open(server.url, server.token);
  await client.ask(`/logs.run {"text":"${secret}"}`);
  // What a model asks of a tool is masked before it gets there; the runtime's own tests have the rest.
  await expect.poll(() => server.output()).toContain('"text":"given [redacted]","msg":"Skill log"');
  expect(server.output()).not.toContain(secret);
});
