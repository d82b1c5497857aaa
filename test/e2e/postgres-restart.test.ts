import { setTimeout as delay } from "node:timers/promises";
import { test } from "vitest";
import { listConversationFaults } from "../support/conversation-faults.ts";
import { NexflowCluster } from "../support/nexflow-cluster.ts";
import { openTestServer } from "../support/postgres.ts";
import { report } from "../support/report.ts";
import { ResumingClient } from "../support/resuming-client.ts";
import { SlowModel } from "../support/slow-model.ts";
import { listStoredFaults } from "../support/stored-faults.ts";

const CLIENTS = 12;
const DOWN_MS = 2_000;
/** On a machine that does nothing else. */
const MAX_RECOVERY_MS = 5_000;
/** On any other: compared with the first answers of the same load, five times as many. */
const MAX_RECOVERY_RATIO = 2;

test.for([
  ["is restarted", "SIGINT"],
  ["crashes", "SIGQUIT"],
] as const)(
  "nothing is lost when Postgres %s under load",
  { timeout: 240_000 },
  async ([, signal], { expect }) => {
    await using postgres = await openTestServer();
    await using model = await SlowModel.open({ answerMs: 500, words: 5 });
    await using cluster = await NexflowCluster.start({
      instances: 2,
      databaseUrl: postgres.url,
      env: model.env,
    });
    const members = [cluster.member(0), cluster.member(1)];
    let isOver = false;
    let answers = 0;
    const clients = Array.from(
      { length: CLIENTS },
      () => new ResumingClient(cluster.url, cluster.token),
    );
    for (const client of clients) client.onEnd = () => void (answers += 1);
    let count = 0;
    const nextText = () => (++count % 2 === 0 ? `slow-${count}` : `quick-${count}`);
    const load = Promise.all(clients.map((client) => client.converse(nextText, () => isOver)));
    const beganAtMs = performance.now();
    await expect.poll(() => answers, { timeout: 60_000 }).toBeGreaterThan(5 * CLIENTS);
    const firstMs = performance.now() - beganAtMs;

    await postgres.stop(signal);
    for (const { url } of members) {
      await expect.poll(() => statusOf(`${url}/readyz`), { timeout: 20_000 }).toBe(503);
      expect(await statusOf(`${url}/healthz`)).toBe(200);
    }
    await delay(DOWN_MS);
    await postgres.start();
    const startedAtMs = performance.now();
    const before = answers;
    for (const { url } of members) {
      await expect.poll(() => statusOf(`${url}/readyz`), { timeout: 60_000 }).toBe(200);
    }
    // Each of them is answered again.
    await expect.poll(() => answers, { timeout: 60_000 }).toBeGreaterThan(before + CLIENTS);
    const recoveryMs = Math.round(performance.now() - startedAtMs);
    report(`Answers again ${recoveryMs} ms after Postgres was up`);
    isOver = true;
    await load;

    const found = await Promise.all(
      clients.map((client) => listConversationFaults(cluster, client, model.isAnswer)),
    );
    expect(found.flat()).toEqual([]);
    for (const member of members) {
      expect(await member.stop()).toBe(0);
      expect(member.output()).not.toMatch(/unhandled|uncaught/iu);
    }
    expect(await listStoredFaults({ url: postgres.url })).toEqual([]);
    expect(recoveryMs).toBeLessThan(Math.max(MAX_RECOVERY_MS, MAX_RECOVERY_RATIO * firstMs));
  },
);

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status;
}
