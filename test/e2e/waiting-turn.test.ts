import path from "node:path";
import Database from "better-sqlite3";
import { test } from "vitest";
import type { ChatClient as Client, EventFrame, ServerFrame } from "../support/chat-client.ts";
import { ChatClient } from "../support/chat-client.ts";
import { plantSkill } from "../support/planted-skill.ts";
import { ScriptedModel } from "../support/scripted-model.ts";
import { type RunningNexflow, startNexflow } from "../support/start-nexflow.ts";
import { openTempDir } from "../support/temp-dir.ts";

const isPause = (frame: ServerFrame): frame is EventFrame =>
  frame.type === "event" && frame.event.outcome?.type === "interrupt";

const ONCE = { scope: { kind: "once" } };

/** How often the skill was really called: what its sandboxes have on record. */
function callsIn({ homeDir }: RunningNexflow): number {
  const database = new Database(path.join(homeDir, "nexflow.db"), { readonly: true });
  try {
    const count = database.prepare("SELECT count(*) FROM skill_call WHERE skill = 'sender'");
    return count.pluck().get() as number;
  } finally {
    database.close();
  }
}

/** Decides about all that waits, as the user whose session it is. */
async function decide(
  { url, token }: RunningNexflow,
  verb: "grant" | "deny",
  decision: object,
): Promise<number> {
  const authorization = `Bearer ${token}`;
  const ask = (at: string, init: object = {}) =>
    fetch(new URL(`/api/v1/approvals${at}`, url), {
      headers: { authorization, "content-type": "application/json" },
      ...init,
    });
  const listed = (await (await ask("?state=pending")).json()) as {
    readonly approvals: readonly { readonly id: string; readonly card: { inputHash: string } }[];
  };
  for (const { id, card } of listed.approvals) {
    const body = JSON.stringify({ inputHash: card.inputHash, ...decision });
    const { status } = await ask(`/${id}/${verb}`, { method: "POST", body });
    if (status >= 300) throw new Error(`Cannot decide: status ${status}`);
  }
  return listed.approvals.length;
}

async function begin(client: Client, model: ScriptedModel) {
  const accepted = await client.send("Send it");
  const answer = await model.nextAnswer();
  answer.say("I will. ");
  answer.call("sender.run", { to: "ada" });
  answer.end();
  await client.find(isPause);
  return accepted;
}

test("a turn that waits for a person survives kill -9, and is gone on with when they decide", async ({
  expect,
}) => {
  await using dir = await openTempDir();
  await using model = await ScriptedModel.open();
  const skillsDir = path.join(dir.path, "skills");
  await plantSkill(skillsDir, { name: "sender", effects: ["external"], body: 'return "sent";' });
  const homeDir = path.join(dir.path, "home");
  const env = { ...model.env, NEXFLOW_SKILLS_DIR: skillsDir };
  let server = await startNexflow({ homeDir, env });
  let client = await ChatClient.open(server.url, server.token);
  const { turnId, sessionId } = await begin(client, model);
  const waiting = await client.send("And then?", { sessionId });
  await client[Symbol.asyncDispose]();
  await server.kill();

  server = await startNexflow({ homeDir, env });
  await using _server = server;
  client = await ChatClient.open(server.url, server.token);
  await using _client = client;
  client.sendFrame({ type: "subscribe", sessionId, after: 0 });
  await client.find(isPause);
  expect(await decide(server, "grant", ONCE)).toBe(1);
  const second = await model.nextAnswer();
  expect(JSON.stringify(second.request.messages.at(-1))).toContain("sent");
  second.say("Done.");
  second.end();
  await client.find((frame) => frame.type === "event" && frame.event.outcome?.type === "success");
  expect(client.textOf(turnId)).toBe("I will. Done.");
  // What was sent meanwhile comes after it.
  const third = await model.nextAnswer();
  third.say("Nothing.");
  third.end();
  await client.findEnd(waiting.turnId);
  expect(client.textOf(waiting.turnId)).toBe("Nothing.");
  expect(await decide(server, "grant", ONCE)).toBe(0);
  // What is on record is written by the end of the program at the latest.
  expect(await server.stop()).toBe(0);
  expect(callsIn(server)).toBe(1);
});

test("a denied call is not made, and an interrupted wait ends at once", async ({ expect }) => {
  await using dir = await openTempDir();
  await using model = await ScriptedModel.open();
  const skillsDir = path.join(dir.path, "skills");
  await plantSkill(skillsDir, { name: "sender", effects: ["external"], body: 'return "sent";' });
  await using server = await startNexflow({
    env: { ...model.env, NEXFLOW_SKILLS_DIR: skillsDir },
  });
  await using client = await ChatClient.open(server.url, server.token);
  const first = await begin(client, model);
  await decide(server, "deny", { reason: "not to her" });
  const answer = await model.nextAnswer();
  expect(JSON.stringify(answer.request.messages.at(-1))).toContain("not to her");
  const asked = client.frames.length;
  answer.call("sender.run", { to: "bob" });
  answer.end();
  await client.find(isPause, asked);
  const { sessionId } = first;
  const next = await client.send("Never mind", { sessionId, mode: "interrupt" });
  await client.find((frame) => frame.type === "event" && frame.event.outcome?.type === "cancelled");
  const last = await model.nextAnswer();
  last.say("All right.");
  last.end();
  await client.findEnd(next.turnId);
  expect(client.textOf(next.turnId)).toBe("All right.");
  expect(await server.stop()).toBe(0);
  expect(callsIn(server)).toBe(0);
});
