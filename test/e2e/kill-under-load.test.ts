import { createServer } from "node:net";
import Database from "better-sqlite3";
import { test } from "vitest";
import { databaseFile } from "#infrastructure/store/open-store.ts";
import { ResumingClient } from "../support/resuming-client.ts";
import { createRandom } from "../support/seeded-random.ts";
import { type RunningNexflow, startNexflow } from "../support/start-nexflow.ts";
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
  let counter = 0;
  const nextText = () => `/calculator ${++counter}+1`;
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

  const stored = await Promise.all(clients.map((client) => readMessages(server, client.sessionId)));
  await server.stop();
  const accepted = clients.flatMap(({ sent }) => sent);
  expect(accepted.length).toBeGreaterThan(KILLS);
  for (const [index, client] of clients.entries()) {
    const messages = stored[index] ?? [];
    const userMessages = messages.filter(({ role }) => role === "user");
    // Each message that was sent is there once, under the id that every `accepted` named.
    expect(userMessages.map(({ content }) => content)).toEqual(client.sent.map(({ text }) => text));
    expect(userMessages.map(({ id }) => id)).toEqual(
      client.sent.map((sent) => new Set(sent.accepted.map(({ messageId }) => messageId))).map(only),
    );
    for (const { text, accepted: frames } of client.sent) {
      const answers = messages.filter(
        ({ role, turnId, content }) =>
          role === "assistant" && turnId === frames[0]?.turnId && content,
      );
      expect(answers.map(({ content }) => content)).toEqual([answerTo(text)]);
      expect(client.ends.get(frames[0]?.turnId ?? "")).toBe(1);
    }
    // What the client put together from its events is what is stored.
    for (const { id, role, content } of messages) {
      if (role === "assistant" && content && client.texts.has(id)) {
        expect(client.texts.get(id)).toBe(content);
      }
    }
  }
  expect(faultsIn(databaseFile(dir.path))).toEqual([]);
}, 600_000);

/** Waits until the clients have seen so many turns more end. */
async function untilEnds(clients: readonly ResumingClient[], more: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = more;
  const count = () => --left === 0 && resolve();
  for (const client of clients) client.onEnd = count;
  await promise;
}

interface StoredMessage {
  readonly id: string;
  readonly role: string;
  readonly turnId: string;
  readonly content?: string;
}

async function readMessages(server: RunningNexflow, sessionId = ""): Promise<StoredMessage[]> {
  const messages: StoredMessage[] = [];
  for (;;) {
    const before = messages[0] === undefined ? "" : `&before=${messages[0].id}`;
    const address = `${server.url}/api/v1/sessions/${sessionId}/messages?limit=200${before}`;
    const response = await fetch(address, { headers: { authorization: `Bearer ${server.token}` } });
    const page = ((await response.json()) as { messages: StoredMessage[] }).messages;
    if (page.length === 0) return messages;
    messages.unshift(...page);
  }
}

/** What is wrong in a database: damage, gaps in an event log, turns without exactly one end. */
function faultsIn(file: string): unknown[] {
  const database = new Database(file, { readonly: true });
  try {
    const integrity = database.pragma("integrity_check", { simple: true });
    const gaps = database
      .prepare(
        `SELECT session_id, first_seq, before FROM (
          SELECT session_id, first_seq,
            lag(last_seq, 1, 0) OVER (PARTITION BY session_id ORDER BY first_seq) AS before
          FROM event_segment) WHERE first_seq <> before + 1`,
      )
      .all();
    const open = database
      .prepare("SELECT turn_id, state FROM turn WHERE state <> 'completed'")
      .all();
    const ends = database
      .prepare(
        `SELECT turn_id, count(*) AS ends FROM event_segment, json_each(events_json)
         WHERE value ->> '$.event.kind' IN ('turn-completed', 'turn-failed', 'turn-cancelled')
         GROUP BY turn_id HAVING ends <> 1`,
      )
      .all();
    return [...(integrity === "ok" ? [] : [integrity]), ...gaps, ...open, ...ends];
  } finally {
    database.close();
  }
}

function answerTo(text: string): string {
  const number = Number(/\d+/u.exec(text)?.[0]);
  return `${number}+1 = ${number + 1}`;
}

function only<T>(values: ReadonlySet<T>): T | undefined {
  return values.size === 1 ? [...values][0] : undefined;
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("Cannot find a free port");
  return address.port;
}
