import { test } from "vitest";
import { ChatClient } from "../support/chat-client.ts";
import { NexflowCluster } from "../support/nexflow-cluster.ts";
import { openTestDatabase } from "../support/postgres.ts";
import { SlowModel } from "../support/slow-model.ts";
import { listStoredFaults } from "../support/stored-faults.ts";

const MESSAGES = 5;

test("what instances never hear of each other arrives all the same", async ({ expect }) => {
  await using database = await openTestDatabase();
  await using model = await SlowModel.open({ answerMs: 500, words: 5 });
  await using cluster = await NexflowCluster.start({
    instances: 2,
    databaseUrl: database.url,
    env: {
      ...model.env,
      NEXFLOW_TEST_MODE: "faults",
      NEXFLOW_FAILPOINTS: "bus:publish=drop",
    },
  });
  await using writer = await ChatClient.open(cluster.member(0).url, cluster.token);
  await using reader = await ChatClient.open(cluster.member(1).url, cluster.token);
  const opening = await writer.ask("opening");
  const { sessionId } = opening;
  reader.sendFrame({ type: "subscribe", sessionId, after: 0 });
  await reader.findEnd(opening.turnId);
  for (let count = 0; count < MESSAGES; count++) {
    const text = `slow-${count}`;
    const { turnId } = await writer.ask(text, { sessionId });
    await reader.findEnd(turnId);
    expect(reader.textOf(turnId)).toBe(model.answerTo(text));
  }
  // A message on the reader's side of a session that runs on the writer's side waits its turn.
  const [one, other] = await Promise.all([
    writer.send("slow-one", { sessionId }),
    reader.send("slow-other", { sessionId }),
  ]);
  for (const client of [writer, reader]) {
    await Promise.all([client.findEnd(one.turnId), client.findEnd(other.turnId)]);
    expect(client.textOf(one.turnId)).toBe(model.answerTo("slow-one"));
    expect(client.textOf(other.turnId)).toBe(model.answerTo("slow-other"));
  }
  // A cancellation that reaches the wrong instance reaches the turn.
  const cancelled = await writer.send("slow-cancelled", { sessionId });
  reader.sendFrame({ type: "cancel", turnId: cancelled.turnId });
  const end = await reader.findEnd(cancelled.turnId);
  expect(end.event).toMatchObject({ type: "RUN_FINISHED" });
  const frames = reader.frames.filter((frame) => frame.type === "event");
  expect(frames.map(({ seq }) => seq)).toEqual(frames.map((_, at) => at + 1));
  expect(await listStoredFaults({ url: database.url })).toEqual([]);
});
