import { test } from "vitest";
import { databaseFile } from "#infrastructure/store/open-store.ts";
import { listConversationFaults } from "../support/conversation-faults.ts";
import { findFreePort } from "../support/free-port.ts";
import { ResumingClient } from "../support/resuming-client.ts";
import { createRandom } from "../support/seeded-random.ts";
import { startNexflow } from "../support/start-nexflow.ts";
import { listStoredFaults } from "../support/stored-faults.ts";
import { answerToSum, createSums } from "../support/sums.ts";
import { openTempDir } from "../support/temp-dir.ts";

const KILLS = 50;
const SESSIONS = 12;

test(`no message is lost or answered twice over ${KILLS} kills under load`, async ({ expect }) => {
  await using dir = await openTempDir();
  const port = await findFreePort();
  // One sandbox process is enough here, and fifty starts are quicker without a spare.
  const env = { NEXFLOW_SANDBOX_PROCESSES: "1" };
  const start = () => startNexflow({ homeDir: dir.path, port, env });
  let server = await start();
  let isOver = false;
  const clients = Array.from(
    { length: SESSIONS },
    () => new ResumingClient(server.url, server.token),
  );
  const nextText = createSums();
  const conversations = Promise.all(
    clients.map((client) => client.converse(nextText, () => isOver)),
  );

  const random = createRandom(20_261_122);
  for (let kill = 0; kill < KILLS; kill++) {
    // Some turns end before each kill, so the test goes on; where the others are is chance.
    await untilEnds(clients, 1 + Math.floor(random() * 8));
    await server.kill();
    server = await start();
  }
  isOver = true;
  await conversations;

  const faults = await Promise.all(
    clients.map((client) => listConversationFaults(server, client, answerToSum)),
  );
  await server.stop();
  expect(faults.flat()).toEqual([]);
  expect(clients.flatMap(({ sent }) => sent).length).toBeGreaterThan(KILLS);
  expect(await listStoredFaults({ file: databaseFile(dir.path) })).toEqual([]);
}, 600_000);

/** Waits until the clients have seen so many turns more end. */
async function untilEnds(clients: readonly ResumingClient[], more: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = more;
  const count = () => --left === 0 && resolve();
  for (const client of clients) client.onEnd = count;
  await promise;
}
