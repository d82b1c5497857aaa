import { setTimeout as delay } from "node:timers/promises";
import { test } from "vitest";
import { ChatClient } from "../support/chat-client.ts";
import { listConversationFaults } from "../support/conversation-faults.ts";
import { NexflowCluster } from "../support/nexflow-cluster.ts";
import { openTestDatabase } from "../support/postgres.ts";
import { ResumingClient } from "../support/resuming-client.ts";
import { SlowModel } from "../support/slow-model.ts";
import { listStoredFaults, readStore, type StoreAddress } from "../support/stored-faults.ts";

const LEASE_MS = 1_500;
const ANSWER_MS = 1_500;
const CLIENTS = 6;

test("an instance that stood still for three leases writes nothing under its old epoch", async ({
  expect,
}) => {
  await using database = await openTestDatabase();
  await using model = await SlowModel.open({ answerMs: ANSWER_MS, words: 30 });
  await using cluster = await NexflowCluster.start({
    instances: 2,
    databaseUrl: database.url,
    env: { ...model.env, NEXFLOW_LEASE_MS: String(LEASE_MS) },
  });
  const store = { url: database.url };
  const owner = cluster.member(0);
  const other = cluster.member(1);
  cluster.balancer.takeOut(other.port);
  const clients = Array.from(
    { length: CLIENTS },
    () => new ResumingClient(cluster.url, cluster.token),
  );
  const answers = clients.map((client, at) => client.exchange(`slow-${at}`));
  await expect.poll(() => model.running, { timeout: 10_000 }).toBe(CLIENTS);

  // It stands still in mid-answer; its clients go to the other instance and wait there.
  owner.process.kill("SIGSTOP");
  const stoppedAtMs = performance.now();
  cluster.balancer.putBack(other.port);
  cluster.balancer.takeOut(owner.port);
  await Promise.all(answers);
  await delay(Math.max(0, 3 * LEASE_MS - (performance.now() - stoppedAtMs)));
  const before = await readAll(store);
  owner.process.kill("SIGCONT");
  // It goes on where it stood, and each of its runs ends by trying to write.
  await delay(2 * ANSWER_MS);
  expect(await readAll(store)).toEqual(before);

  // It is of use again.
  cluster.balancer.putBack(owner.port);
  cluster.balancer.takeOut(other.port);
  await Promise.all(clients.map((client, at) => client.exchange(`after-${at}`)));
  const found = await Promise.all(
    clients.map((client) => listConversationFaults(cluster, client, model.isAnswer)),
  );
  expect(found.flat()).toEqual([]);
  expect(await listStoredFaults(store)).toEqual([]);
  await Promise.all(clients.map((client) => client.close()));
});

test("an instance that stands still inside a transaction does not hold a turn up for ever", async ({
  expect,
}) => {
  await using database = await openTestDatabase();
  await using model = await SlowModel.open({ answerMs: 2 * ANSWER_MS, words: 30 });
  const env = { ...model.env, NEXFLOW_LEASE_MS: String(LEASE_MS) };
  const options = { instances: 2, databaseUrl: database.url, env };
  await using cluster = await NexflowCluster.start(options);
  // It stops when it has written that a turn is cancelled, and not committed that.
  await cluster.member(0).stop();
  const owner = await cluster.startMember(0, {
    NEXFLOW_TEST_MODE: "faults",
    NEXFLOW_FAILPOINTS: "before-commit:cancelTurn=stop",
  });
  const other = cluster.member(1);
  await using before = await ChatClient.open(owner.url, owner.token);
  const { turnId, sessionId } = await before.send("slow-answer");
  await using after = await ChatClient.open(other.url, other.token);
  after.sendFrame({ type: "subscribe", sessionId, after: 0 });
  // What it has seen by then is lost, and replaced.
  await expect.poll(() => after.textOf(turnId)).not.toBe("");
  before.sendFrame({ type: "cancel", turnId });
  await after.findEnd(turnId);
  expect(after.eventsOf(turnId).map(({ event }) => event.type)).toContain("MESSAGES_SNAPSHOT");
  expect(after.textOf(turnId)).toBe(model.answerTo("slow-answer"));
  owner.process.kill("SIGCONT");
  const answer = await after.ask("quick-again", { sessionId });
  expect(answer.text).toBe(model.answerTo("quick-again"));
  expect(await owner.stop()).toBe(0);
  expect(await listStoredFaults({ url: database.url })).toEqual([]);
});

/** All that turns have written. */
function readAll(store: StoreAddress): Promise<unknown> {
  return readStore(store, async (read) => [
    await read("SELECT * FROM event_segment ORDER BY session_id, first_seq"),
    await read("SELECT * FROM message ORDER BY session_id, turn_id, position"),
    await read("SELECT * FROM turn ORDER BY turn_id"),
  ]);
}
