import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { test } from "vitest";
import { readCalls } from "#infrastructure/store/local-store.ts";
import { databaseFile } from "#infrastructure/store/open-store.ts";
import { ChatClient } from "../../support/chat-client.ts";
import { startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";

const SKILLS = fileURLToPath(new URL("../../fixtures/logging-skills", import.meta.url));

test("what a skill asked for in a chat is on record after the server was stopped", async ({
  expect,
}) => {
  await using home = await openTempDir();
  await using server = await startNexflow({ homeDir: home.path });
  await using client = await ChatClient.open(server.url, server.token);
  await client.ask("/clock.now {}");
  expect(await server.stop()).toBe(0);

  const query = { skill: "clock", isDenied: false, limit: 10 };
  const calls = readCalls(home.path, query) ?? [];
  const database = new Database(databaseFile(home.path), { readonly: true });
  const taskId: unknown = database.prepare("SELECT task_id FROM task").pluck().get();
  database.close();
  expect(calls).toContainEqual(
    expect.objectContaining({
      kind: "host-call",
      callId: taskId,
      skill: "clock",
      decision: "allowed",
      rule: expect.stringContaining("grants.clock"),
    }),
  );
});

test("a secret for skills is masked in the log, also where a skill has logged it", async ({
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
  await expect.poll(() => server.output()).toContain("given [redacted]");
  expect(server.output()).not.toContain(secret);
});
