import { setInterval } from "node:timers/promises";
import { test } from "vitest";
import { ChatClient } from "../../support/chat-client.ts";
import { ScriptedModel } from "../../support/scripted-model.ts";
import { startNexflow } from "../../support/start-nexflow.ts";

test("more turns than there is room for are refused with a time, the rest is served", async ({
  expect,
}) => {
  await using model = await ScriptedModel.open();
  await using server = await startNexflow({ env: { ...model.env, NEXFLOW_MAX_TURNS: "2" } });
  await using client = await ChatClient.open(server.url, server.token);
  const taken = [await client.send("One"), await client.send("Two")];
  client.sendFrame({ type: "send", clientMessageId: "c3", text: "Three" });
  const refused = await client.find((frame) => frame.type === "error");
  expect(refused).toMatchObject({ code: "overloaded", ref: "c3", retryAfterMs: 1_000 });
  for (const { turnId } of taken) {
    const answer = await model.nextAnswer();
    answer.say("Served");
    answer.end();
    await client.find((frame) => frame.type === "event" && frame.event.type === "RUN_FINISHED");
    expect(turnId).toBeDefined();
  }
  for (const { turnId } of taken) await client.findEnd(turnId);
  const third = client.ask("Three", {});
  const answer = await model.nextAnswer();
  answer.say("Served as well");
  answer.end();
  expect((await third).text).toBe("Served as well");
});

const SESSIONS = 500;
const LOAD_MS = 8_000;

test(`no turn fails and pings are answered while ${SESSIONS} sessions run turns back to back`, async ({
  expect,
}) => {
  await using server = await startNexflow();
  const open = () => ChatClient.open(server.url, server.token);
  await using pinger = await open();
  const clients = await Promise.all(Array.from({ length: SESSIONS }, open));
  const until = performance.now() + LOAD_MS;
  let turns = 0;
  const converse = async (client: ChatClient) => {
    let sessionId: string | undefined;
    while (performance.now() < until) {
      const text = `/calculator ${++turns}+1`;
      const answer = await client.ask(text, sessionId === undefined ? {} : { sessionId });
      expect(answer.text).toBe(`${text.slice(12)} = ${Number.parseInt(text.slice(12), 10) + 1}`);
      sessionId = answer.sessionId;
    }
  };
  const load = Promise.all(clients.map(converse));
  const pings: number[] = [];
  for await (const sentAtMs of probesUntil(until)) {
    const id = pings.length;
    pinger.sendFrame({ type: "ping", id });
    await pinger.find((frame) => frame.type === "pong" && frame.id === id, pinger.frames.length);
    pings.push(performance.now() - sentAtMs);
  }
  await load;
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  const p99 = pings.toSorted((a, b) => a - b)[Math.floor(pings.length * 0.99)] ?? Number.NaN;
  process.stdout.write(
    `${turns} turns of ${SESSIONS} sessions in ${LOAD_MS} ms, no failure; ` +
      `${pings.length} pings beside them in the process of the load, p99 ${p99.toFixed(1)} ms\n`,
  );
  expect(turns).toBeGreaterThan(SESSIONS);
  expect(server.output()).not.toContain('"level":"error"');
});

/** A moment to send a ping at, twenty times a second. */
async function* probesUntil(endMs: number): AsyncGenerator<number> {
  for await (const _ of setInterval(50)) {
    if (performance.now() >= endMs) return;
    yield performance.now();
  }
}
