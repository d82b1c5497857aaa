import { test } from "vitest";
import { databaseFile } from "#infrastructure/store/open-store.ts";
import { listConversationFaults } from "../support/conversation-faults.ts";
import { findFreePort } from "../support/free-port.ts";
import { NexflowCluster } from "../support/nexflow-cluster.ts";
import { openTestDatabase } from "../support/postgres.ts";
import { report } from "../support/report.ts";
import { ResumingClient } from "../support/resuming-client.ts";
import { createRandom } from "../support/seeded-random.ts";
import { SlowModel } from "../support/slow-model.ts";
import { startNexflow, TEST_TOKEN } from "../support/start-nexflow.ts";
import { listStoredFaults } from "../support/stored-faults.ts";
import { createSums, isSumOf } from "../support/sums.ts";
import { openTempDir } from "../support/temp-dir.ts";
import { testKills } from "../support/test-environment.ts";

const SEED = 20_261_122;
const SESSIONS = 12;
const KILLS = testKills ?? 50;
const CLUSTER_KILLS = testKills ?? 12;
const INSTANCES = 3;
/** On a machine that does nothing else. */
const MAX_READY_MS = 2_000;
/** On any other: compared with the first start, which has nothing to recover. */
const MAX_READY_RATIO = 3;

test("no message is lost or answered twice over kills under load on SQLite", async ({ expect }) => {
  await using dir = await openTempDir();
  const port = await findFreePort();
  // One sandbox process is enough here, and the many starts are quicker without a spare.
  const env = { NEXFLOW_SANDBOX_PROCESSES: "1" };
  const readyMs: number[] = [];
  const start = async () => {
    const startedAtMs = performance.now();
    const started = await startNexflow({ homeDir: dir.path, port, env });
    readyMs.push(performance.now() - startedAtMs);
    return started;
  };
  let server = await start();
  const load = converse({ url: server.url, nextText: createSums() });
  const random = createRandom(SEED);
  for (let kill = 0; kill < KILLS; kill++) {
    // Some turns end before each kill, so the test goes on; where the others are is chance.
    await load.answers(1 + Math.floor(random() * 8));
    await server.kill();
    server = await start();
  }
  const faults = await load.end(isSumOf);
  await server.stop();
  const sorted = readyMs.toSorted((a, b) => a - b);
  const medianMs = Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0);
  const worstMs = Math.round(sorted.at(-1) ?? 0);
  report(
    `${KILLS} kills on SQLite: ready again after ${medianMs} ms (median), ${worstMs} ms (most)`,
  );
  expect(faults).toEqual([]);
  expect(load.sent).toBeGreaterThan(KILLS);
  expect(await listStoredFaults({ file: databaseFile(dir.path) })).toEqual([]);
  const firstMs = readyMs[0] ?? 0;
  expect(medianMs).toBeLessThan(Math.max(MAX_READY_MS, MAX_READY_RATIO * firstMs));
}, 600_000);

test("no message is lost or answered twice over kills of three instances on Postgres", async ({
  expect,
}) => {
  await using database = await openTestDatabase();
  await using model = await SlowModel.open({ answerMs: 300, words: 5 });
  await using cluster = await NexflowCluster.start({
    instances: INSTANCES,
    databaseUrl: database.url,
    env: { ...model.env, NEXFLOW_LEASE_MS: "1500" },
  });
  let count = 0;
  const nextText = () => (++count % 2 === 0 ? `slow-${count}` : `quick-${count}`);
  const load = converse({ url: cluster.url, nextText });
  const random = createRandom(SEED);
  for (let kill = 0; kill < CLUSTER_KILLS; kill++) {
    await load.answers(1 + Math.floor(random() * 16));
    const victim = Math.floor(random() * INSTANCES);
    await cluster.member(victim).kill();
    // Now and then the others go on alone for a while.
    if (random() < 0.5) await load.answers(4);
    await cluster.startMember(victim);
  }
  const faults = await load.end(model.isAnswer);
  report(`${CLUSTER_KILLS} kills of three instances on Postgres: ${load.sent} messages`);
  expect(faults).toEqual([]);
  expect(load.sent).toBeGreaterThan(CLUSTER_KILLS);
  expect(await listStoredFaults({ url: database.url })).toEqual([]);
}, 600_000);

interface Load {
  readonly sent: number;
  /** Waits until the clients have got so many more answers. */
  answers(more: number): Promise<void>;
  /** Lets conversations come to an end and gives what was lost or doubled in them. */
  end(fits: (question: string, answer: string) => boolean): Promise<readonly string[]>;
}

/** Conversations side by side at the address of whoever serves. */
function converse({ url, nextText }: { url: string; nextText: () => string }): Load {
  let isOver = false;
  const clients = Array.from({ length: SESSIONS }, () => new ResumingClient(url, TEST_TOKEN));
  const conversations = Promise.all(
    clients.map((client) => client.converse(nextText, () => isOver)),
  );
  return {
    get sent() {
      return clients.flatMap(({ sent }) => sent).length;
    },
    answers: async (more) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      let left = more;
      for (const client of clients) client.onEnd = () => --left === 0 && resolve();
      await promise;
    },
    end: async (fits) => {
      isOver = true;
      await conversations;
      const server = { url, token: TEST_TOKEN };
      const found = clients.map((client) => listConversationFaults(server, client, fits));
      return (await Promise.all(found)).flat();
    },
  };
}
