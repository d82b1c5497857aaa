import { randomUUID } from "node:crypto";
import type { Message } from "#domain/message/message.ts";
import {
  type MessageId,
  parseCredentialId,
  parseInstanceId,
  parseMessageId,
  parseSessionId,
  parseTurnId,
  parseUserId,
} from "#domain/shared/id.ts";
import type { NumberedEvent } from "#domain/turn/turn-event.ts";
import type { TurnLog, TurnOwner } from "#domain/turn/turn-log.ts";
import { hashSecret, newId } from "#infrastructure/ids/ids.ts";
import { openStore } from "#infrastructure/store/open-store.ts";
import { createInstanceRegistry, createTurnLog } from "#infrastructure/store/repositories.ts";
import type { Lack, ResumingClient } from "./clients.ts";

const USERS = 100;
/** Of ten clients. */
const LACKS: readonly Lack[] = [
  ...Array.from({ length: 5 }, () => "nothing" as const),
  ...Array.from({ length: 4 }, () => "events" as const),
  "too-much",
];
const LACKED_EVENTS = 50;
/** More than is ever sent one by one. */
const TOO_MANY_EVENTS = 2_100;
const KNOWN_EVENTS = 20;
const ADDRESSES = 20;
const LEASE_MS = 60_000;
const AT_ONCE = 250;

/** Fills an empty store with a session for each client, of which it has seen a part. */
export async function seedSessions(
  count: number,
  homeDir: string,
  databaseUrl?: string,
): Promise<ResumingClient[]> {
  const store = await openStore(homeDir, databaseUrl);
  try {
    const users = Array.from({ length: USERS }, () => parseUserId(newId()));
    const createdAtMs = Date.now();
    for (const userId of users) {
      const hash = hashSecret(`token of ${userId}`);
      const id = parseCredentialId(newId());
      const credential = { id, hash, label: "bench", scopes: "all", createdAtMs } as const;
      await store.writer.call("addUser", { id: userId, name: "Ada", role: "member", createdAtMs });
      await store.writer.call("addCredential", {
        ...credential,
        kind: "token",
        userId,
        expiresAtMs: undefined,
      });
    }
    const instances = createInstanceRegistry(store.reader, store.writer);
    const instanceId = parseInstanceId(newId());
    const { epoch } = await instances.join({ instanceId, leaseMs: LEASE_MS, isAlone: false });
    const seeding = { turns: createTurnLog(store.writer), owner: { instanceId, epoch } };
    const clients: ResumingClient[] = [];
    for (let from = 0; from < count; from += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, count - from) }, async (_, at) => {
        const index = from + at;
        const userId = users[index % USERS] ?? "";
        const lack = LACKS[index % LACKS.length] ?? "nothing";
        const localAddress = `127.0.0.${2 + (index % ADDRESSES)}`;
        const position = await seedSession(seeding, userId, lack);
        return { token: `token of ${userId}`, lack, localAddress, epoch, ...position };
      });
      clients.push(...(await Promise.all(some)));
    }
    await instances.leave(instanceId);
    return clients;
  } finally {
    await store[Symbol.asyncDispose]();
  }
}

interface Seeding {
  readonly turns: TurnLog;
  readonly owner: TurnOwner;
}

/** One finished turn whose events were stored in two parts. */
async function seedSession({ turns, owner }: Seeding, user: string, lack: Lack) {
  const [sessionId, turnId] = [parseSessionId(newId()), parseTurnId(newId())];
  const messageId = parseMessageId(newId());
  const answerId = parseMessageId(newId());
  const nowMs = Date.now();
  await turns.accept({
    turnId,
    userId: parseUserId(user),
    clientMessageId: randomUUID(),
    messageId,
    text: "Tell me about Rome",
    session: { id: sessionId, isNew: true },
    owner,
    nowMs,
  });
  const run = { turnId, sessionId, epoch: owner.epoch, tasks: [], nowMs };
  const lacked = lack === "too-much" ? TOO_MANY_EVENTS : LACKED_EVENTS;
  const headSeq = KNOWN_EVENTS + lacked;
  const answer: Message = {
    id: answerId,
    sessionId,
    turnId,
    role: "assistant",
    parts: [{ kind: "text", text: "Rome was not built. ".repeat(headSeq) }],
    isComplete: true,
    createdAtMs: nowMs,
  };
  await turns.save({ ...run, messages: [], events: eventsOf(answerId, 1, KNOWN_EVENTS) });
  await turns.save({
    ...run,
    messages: [{ position: 1, message: answer }],
    events: [
      ...eventsOf(answerId, KNOWN_EVENTS + 1, headSeq - 1),
      { seq: headSeq, event: { kind: "turn-completed" } },
    ],
    end: { kind: "completed", endedAtMs: nowMs },
  });
  return { sessionId, headSeq, after: lack === "nothing" ? headSeq : KNOWN_EVENTS };
}

/** A stretch of a turn that says one text, up to before its end. */
function eventsOf(messageId: MessageId, first: number, last: number): NumberedEvent[] {
  return Array.from({ length: last - first + 1 }, (_, at) => {
    const seq = first + at;
    if (seq === 1) return { seq, event: { kind: "text-started", messageId } };
    return { seq, event: { kind: "text-delta", messageId, delta: "Rome was not built. " } };
  });
}
