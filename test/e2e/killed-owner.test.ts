import { test } from "vitest";
import { listConversationFaults } from "../support/conversation-faults.ts";
import { NexflowCluster } from "../support/nexflow-cluster.ts";
import { openTestDatabase } from "../support/postgres.ts";
import { report } from "../support/report.ts";
import { ResumingClient } from "../support/resuming-client.ts";
import { SlowModel } from "../support/slow-model.ts";
import { listStoredFaults } from "../support/stored-faults.ts";

const CLIENTS = 6;
const MAX_TAKEOVER_MS = 17_000;

test("another instance takes over a killed one's sessions within 17 s", async ({ expect }) => {
  await using database = await openTestDatabase();
  await using model = await SlowModel.open({ answerMs: 1_000, words: 10 });
  await using cluster = await NexflowCluster.start({
    instances: 2,
    databaseUrl: database.url,
    env: model.env,
  });
  cluster.balancer.takeOut(cluster.member(1).port);
  const clients = Array.from(
    { length: CLIENTS },
    () => new ResumingClient(cluster.url, cluster.token),
  );
  const answers = clients.map((client, at) => client.exchange(`slow-${at}`));
  await expect.poll(() => model.running, { timeout: 10_000 }).toBe(CLIENTS);

  cluster.balancer.putBack(cluster.member(1).port);
  await cluster.member(0).kill();
  const killedAtMs = performance.now();
  await expect.poll(() => model.running, { timeout: 10_000 }).toBe(0);
  await expect
    .poll(() => model.running, { timeout: 2 * MAX_TAKEOVER_MS, interval: 20 })
    .toBe(CLIENTS);
  const takeoverMs = Math.round(performance.now() - killedAtMs);
  report(`A killed instance's turns ran again after ${takeoverMs} ms`);
  expect(takeoverMs).toBeLessThan(MAX_TAKEOVER_MS);

  await Promise.all(answers);
  const found = await Promise.all(
    clients.map((client) => listConversationFaults(cluster, client, model.isAnswer)),
  );
  expect(found.flat()).toEqual([]);
  expect(await listStoredFaults({ url: database.url })).toEqual([]);
  await Promise.all(clients.map((client) => client.close()));
});
