import { test } from "vitest";
import { ChatClient } from "../support/chat-client.ts";
import { openTestDatabase } from "../support/postgres.ts";
import { PostgresProxy } from "../support/postgres-proxy.ts";
import { ResumingClient } from "../support/resuming-client.ts";
import { SlowModel } from "../support/slow-model.ts";
import { startNexflow } from "../support/start-nexflow.ts";
import { listStoredFaults } from "../support/stored-faults.ts";

/** Without any further care it would be found after two rounds of ten seconds. */
const MAX_ANSWER_MS = 12_000;

test.for([
  ["accepting a message", ["INSERT INTO session"]],
  ["storing an answer", ["INSERT INTO event_segment"]],
  ["beginning a queued turn", ['update "turn" set', "COMMIT"]],
] as const)(
  "the turn goes on when Postgres's answer to %s is lost",
  async ([, statements], { expect }) => {
    await using database = await openTestDatabase();
    await using proxy = await PostgresProxy.open(database.url);
    await using model = await SlowModel.open({ answerMs: 300, words: 3 });
    const env = { ...model.env, NEXFLOW_DATABASE_URL: proxy.url };
    await using server = await startNexflow({ env });
    const client = new ResumingClient(server.url, server.token);
    proxy.loseAnswerTo(...statements);
    const startedAtMs = performance.now();
    await client.exchange("quick-first");
    // Of three that are sent at once, two wait for their turn.
    const { sessionId = "" } = client;
    await using other = await ChatClient.open(server.url, server.token);
    const accepted = await Promise.all(
      ["slow-one", "slow-two", "quick-three"].map((text) => other.send(text, { sessionId })),
    );
    for (const { turnId } of accepted) await other.findEnd(turnId);
    const tookMs = performance.now() - startedAtMs;
    expect(proxy.lost).toBe(1);
    expect(client.faults).toEqual([]);
    expect(await listStoredFaults({ url: database.url })).toEqual([]);
    expect(tookMs).toBeLessThan(MAX_ANSWER_MS);
    await client.close();
  },
);
