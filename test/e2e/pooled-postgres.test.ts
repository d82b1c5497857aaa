import { test } from "vitest";
import { listConversationFaults } from "../support/conversation-faults.ts";
import { NexflowCluster } from "../support/nexflow-cluster.ts";
import { openPooler } from "../support/pgbouncer.ts";
import { openTestDatabase } from "../support/postgres.ts";
import { ResumingClient } from "../support/resuming-client.ts";
import { listStoredFaults } from "../support/stored-faults.ts";
import { createSums, isSumOf } from "../support/sums.ts";

const CLIENTS = 8;
const ANSWERS = 80;

test("two instances work through a pooler in transaction mode", async (context) => {
  const { expect } = context;
  await using database = await openTestDatabase();
  const pooler = await openPooler(database.url);
  if (typeof pooler === "string") return context.skip(pooler);
  await using opened = pooler;
  await using cluster = await NexflowCluster.start({
    instances: 2,
    databaseUrl: opened.url,
    env: { NEXFLOW_DATABASE_DIRECT_URL: database.url },
  });
  let answers = 0;
  const clients = Array.from(
    { length: CLIENTS },
    () => new ResumingClient(cluster.url, cluster.token),
  );
  for (const client of clients) client.onEnd = () => void (answers += 1);
  const nextSum = createSums();
  await Promise.all(clients.map((each) => each.converse(nextSum, () => answers > ANSWERS)));
  expect(clients.map(({ reconnects }) => reconnects)).toEqual(clients.map(() => 0));
  const found = await Promise.all(
    clients.map((client) => listConversationFaults(cluster, client, isSumOf)),
  );
  expect(found.flat()).toEqual([]);
  for (const index of [0, 1]) {
    const member = cluster.member(index);
    expect(await member.stop()).toBe(0);
    expect(member.output()).not.toMatch(/prepared statement|"level":(?:40|50)/u);
  }
  expect(await listStoredFaults({ url: database.url })).toEqual([]);
});
