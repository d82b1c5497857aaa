import { randomUUID } from "node:crypto";
import { test } from "vitest";
import { ChatClient } from "../../support/chat-client.ts";
import { openTestDatabase } from "../../support/postgres.ts";
import { findTestRedis } from "../../support/redis.ts";
import { ScriptedModel } from "../../support/scripted-model.ts";
import { startNexflow } from "../../support/start-nexflow.ts";

/** Sooner than a lease of a minute is renewed, which would bring it, too. */
const SOON_MS = 10_000;
/** Each of these starts two servers, and waits for leases. */
const redisUrl = await findTestRedis();

/** Two real servers on one Postgres, a model that says what it is told, a client at each. */
async function openCluster(
  env: Readonly<Record<string, string>> = {},
  envOfTwo: Readonly<Record<string, string>> = {},
) {
  const database = await openTestDatabase();
  const model = await ScriptedModel.open();
  const shared = { ...model.env, NEXFLOW_DATABASE_URL: database.url, ...env };
  const one = await startNexflow({ env: shared });
  const two = await startNexflow({ env: { ...shared, ...envOfTwo } });
  const [atOne, atTwo] = [
    await ChatClient.open(one.url, one.token),
    await ChatClient.open(two.url, two.token),
  ];
  return {
    model,
    one,
    two,
    atOne,
    atTwo,
    [Symbol.asyncDispose]: async () => {
      for (const each of [atOne, atTwo, one, two, model, database]) {
        await each[Symbol.asyncDispose]();
      }
    },
  };
}

test("what runs on one server is seen, steered and gone on with at the other", async ({
  expect,
}) => {
  await using cluster = await openCluster({ NEXFLOW_LEASE_MS: "60000" });
  const { model, atOne, atTwo } = cluster;
  const { sessionId, turnId } = await atOne.send("Tell me a story");
  const answer = await model.nextAnswer();
  answer.say("Once upon");
  atTwo.sendFrame({ type: "subscribe", sessionId, after: 0 });
  await expect.poll(() => atTwo.textOf(turnId), { timeout: 10_000 }).toBe("Once upon");
  // A full stop: a letter that some secret begins with is shown with what follows it.
  answer.say(" a time.");
  await expect.poll(() => atTwo.textOf(turnId), { timeout: 10_000 }).toBe("Once upon a time.");

  const waiting = await atTwo.send("And then?", { sessionId });
  const cancelledAtMs = performance.now();
  atTwo.sendFrame({ type: "cancel", turnId });
  await answer.abandoned;
  expect(performance.now() - cancelledAtMs).toBeLessThan(SOON_MS);
  await Promise.all([atOne.findEnd(turnId), atTwo.findEnd(turnId)]);
  expect(atTwo.textOf(turnId)).toBe("Once upon a time.");

  const next = await model.nextAnswer();
  next.say("They lived happily");
  next.end();
  await Promise.all([atOne.findEnd(waiting.turnId), atTwo.findEnd(waiting.turnId)]);
  for (const client of [atOne, atTwo]) {
    expect(client.textOf(waiting.turnId)).toBe("They lived happily");
    const events = client.frames.filter((frame) => frame.type === "event");
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  }
});

test("a server that dies is gone on for by the other, and its viewers see it", async ({
  expect,
}) => {
  await using cluster = await openCluster({ NEXFLOW_LEASE_MS: "2000" });
  const { model, one, atOne, atTwo } = cluster;
  const { sessionId, turnId } = await atOne.send("Tell me a story");
  const answer = await model.nextAnswer();
  answer.say("Once upon");
  atTwo.sendFrame({ type: "subscribe", sessionId, after: 0 });
  await expect.poll(() => atTwo.textOf(turnId)).toBe("Once upon");
  await one.kill();
  const again = await model.nextAnswer();
  again.say("Long ago");
  await expect.poll(() => newestTextOf(atTwo, turnId)).toBe("Long ago");
  again.end();
  await atTwo.findEnd(turnId);
  expect(newestTextOf(atTwo, turnId)).toBe("Long ago");
});

test("servers that hear nothing of each other come to the same, a little later", async ({
  expect,
}) => {
  // Notifications stay within a database: these two are each in one of its own.
  await using apart = await openTestDatabase();
  await using cluster = await openCluster({}, { NEXFLOW_DATABASE_DIRECT_URL: apart.url });
  const { model, atOne, atTwo } = cluster;
  const { sessionId, turnId } = await atOne.send("Tell me a story");
  const answer = await model.nextAnswer();
  answer.say("Once upon a time.");
  atTwo.sendFrame({ type: "subscribe", sessionId, after: 0 });
  const waiting = await atTwo.send("And then?", { sessionId });
  expect(atTwo.textOf(turnId)).toBe("");
  answer.end();
  await atTwo.findEnd(turnId);
  expect(atTwo.textOf(turnId)).toBe("Once upon a time.");
  const next = await model.nextAnswer();
  next.say("They lived.");
  const texts = () => [atOne, atTwo].map((client) => client.textOf(waiting.turnId));
  await expect.poll(texts, { timeout: 10_000 }).toContain("They lived.");
  // Who renews its lease hears that its turn was cancelled.
  atTwo.sendFrame({ type: "cancel", turnId: waiting.turnId });
  await next.abandoned;
  await Promise.all([atOne.findEnd(waiting.turnId), atTwo.findEnd(waiting.turnId)]);
  expect(atTwo.textOf(waiting.turnId)).toBe("They lived.");
});

test("two servers speak over Redis, too", async ({ expect, skip }) => {
  skip(redisUrl === undefined, "no Redis answers: servers over Redis are NOT tested");
  await using cluster = await openCluster({ NEXFLOW_REDIS_URL: redisUrl ?? "" });
  const { model, atOne, atTwo } = cluster;
  const { sessionId, turnId } = await atOne.send("Tell me a story");
  const answer = await model.nextAnswer();
  atTwo.sendFrame({ type: "subscribe", sessionId, after: 0 });
  answer.say("Once upon");
  await expect.poll(() => atTwo.textOf(turnId), { timeout: 10_000 }).toBe("Once upon");
  answer.end();
  await atTwo.findEnd(turnId);
});

test("a server whose bus cannot be had does not start, and says why", async ({ expect }) => {
  await using database = await openTestDatabase();
  const secret = `hidden-${randomUUID()}`;
  const env = {
    NEXFLOW_DATABASE_URL: database.url,
    NEXFLOW_REDIS_URL: `redis://:${secret}@127.0.0.1:9`,
  };
  const failed = await startNexflow({ env }).catch((error: Error) => error.message);
  expect(failed).toContain("Cannot reach Redis");
  expect(failed).not.toContain(secret);
});

/** The text of a turn since the last snapshot. */
function newestTextOf(client: ChatClient, turnId: string): string {
  const events = client.eventsOf(turnId).map(({ event }) => event);
  const from = events.findLastIndex(({ type }) => type === "MESSAGES_SNAPSHOT");
  return events
    .slice(from + 1)
    .map(({ type, delta }) => (type === "TEXT_MESSAGE_CONTENT" ? String(delta) : ""))
    .join("");
}
