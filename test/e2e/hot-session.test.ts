import { test } from "vitest";
import { type AcceptedFrame, ChatClient } from "../support/chat-client.ts";
import { NexflowCluster } from "../support/nexflow-cluster.ts";
import { openTestDatabase } from "../support/postgres.ts";
import { SlowModel } from "../support/slow-model.ts";
import { listStoredFaults, readStore } from "../support/stored-faults.ts";

const CLIENTS = 10;
const MESSAGES_EACH = 20;

test("200 messages of 10 clients on 3 instances run in one order, each once", async ({
  expect,
}) => {
  await using database = await openTestDatabase();
  await using model = await SlowModel.open({ answerMs: 0, words: 3 });
  await using cluster = await NexflowCluster.start({
    instances: 3,
    databaseUrl: database.url,
    env: model.env,
  });
  await using first = await ChatClient.open(cluster.url, cluster.token);
  const { sessionId } = await first.ask("opening");
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, () => ChatClient.open(cluster.url, cluster.token)),
  );
  const accepted = await Promise.all(
    clients.map(async (client, at) => {
      const frames: AcceptedFrame[] = [];
      for (let count = 0; count < MESSAGES_EACH; count++) {
        frames.push(await client.send(`${at}-${count}`, { sessionId }));
      }
      return frames;
    }),
  );
  // Whichever instance its socket is on, each client sees the end of every turn that it began.
  await Promise.all(
    clients.flatMap((client, at) =>
      (accepted[at] ?? []).map(({ turnId }) => client.findEnd(turnId)),
    ),
  );
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));

  const store = { url: database.url };
  const began = await readStore(store, async (read) => {
    const segments = await read<{ events_json: string; turn_id: string }>(
      `SELECT * FROM event_segment WHERE session_id = '${sessionId}' ORDER BY first_seq`,
    );
    return segments.map((segment) => segment.turn_id);
  });
  // One after the other: the events of no turn lie between those of another.
  const order = began.filter((turnId, at) => turnId !== began[at - 1]);
  expect(order).toEqual([...new Set(order)]);
  expect(order).toEqual(order.toSorted());
  expect(order).toHaveLength(1 + CLIENTS * MESSAGES_EACH);
  // What one client sent earlier runs earlier.
  for (const frames of accepted) {
    const turnIds = frames.map(({ turnId }) => turnId);
    expect(order.filter((turnId) => turnIds.includes(turnId))).toEqual(turnIds);
  }
  const asked = accepted.flatMap((frames, at) => frames.map((_, count) => `${at}-${count}`));
  expect(asked.map((text) => model.asked.get(text))).toEqual(asked.map(() => 1));
  expect(await listStoredFaults(store)).toEqual([]);
});
