import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "vitest";
import { ChatClient } from "../../support/chat-client.ts";
import { ScriptedModel } from "../../support/scripted-model.ts";
import { startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";

const RECORDER = new URL("../../fixtures/agent-threads/record-imports.ts", import.meta.url).href;
const SDKS = ["openai", "@anthropic-ai/sdk", "ollama"];
/** What speaks to servers that this one has none of. */
const OTHER_CLIENTS = ["@modelcontextprotocol/client", "@redis/client", "pg", "pg-boss"];

test("a server with offline/rules on SQLite loads no client of models, MCP servers or databases, at its start or for a turn", async ({
  expect,
}) => {
  await using recorder = await openRecorder();
  await using server = await startNexflow({ env: recorder.env });
  await using client = await ChatClient.open(server.url, server.token);
  expect((await client.ask("what is 6 * 7")).text).toContain("42");
  const imported = await recorder.imported();
  expect(imported).toContain("pino");
  expect(SDKS.filter((sdk) => imported.has(sdk))).toEqual([]);
  expect(OTHER_CLIENTS.filter((client) => imported.has(client))).toEqual([]);
});

test("a server loads the SDK of the model that it uses, for the first turn", async ({ expect }) => {
  await using model = await ScriptedModel.open();
  await using recorder = await openRecorder();
  await using server = await startNexflow({ env: { ...recorder.env, ...model.env } });
  const before = await recorder.imported();
  expect(SDKS.filter((sdk) => before.has(sdk))).toEqual([]);
  await using client = await ChatClient.open(server.url, server.token);
  const asked = client.ask("hello");
  const answer = await model.nextAnswer();
  answer.say("Hi");
  answer.end();
  expect((await asked).text).toBe("Hi");
  const after = await recorder.imported();
  expect(SDKS.filter((sdk) => after.has(sdk))).toEqual(["openai"]);
});

/** Has a server write down what it imports. */
async function openRecorder() {
  const dir = await openTempDir();
  const file = path.join(dir.path, "imports.txt");
  return {
    env: { NODE_OPTIONS: `--import ${RECORDER}`, RECORD_IMPORTS: file },
    imported: async () => new Set((await readFile(file, "utf8")).split("\n")),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}
