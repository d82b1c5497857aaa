import { randomUUID } from "node:crypto";
import { describe, test } from "vitest";
import { SessionRelay } from "#application/follow-session/session-relay.ts";
import type { Bus } from "#application/ports/bus.ts";
import {
  type MessageId,
  parseInstanceId,
  parseMessageId,
  parseSessionId,
  parseTurnId,
  parseUserId,
  type SessionId,
} from "#domain/shared/id.ts";
import type { NumberedEvent, TurnEvent } from "#domain/turn/turn-event.ts";
import type { TurnOwner } from "#domain/turn/turn-log.ts";
import { openPostgresBus } from "#infrastructure/bus/postgres-bus.ts";
import { openRedisBus } from "#infrastructure/bus/redis-bus.ts";
import { newId } from "#infrastructure/ids/ids.ts";
import { openStore } from "#infrastructure/store/open-store.ts";
import {
  createInstanceRegistry,
  createSessionRepository,
  createTurnLog,
  createUserRepository,
} from "#infrastructure/store/repositories.ts";
import { encodeEventFrame, encodeSnapshotFrame } from "#presentation/gateway/event-frame.ts";
import type { EventFrame } from "../../support/chat-client.ts";
import { createBusNetwork } from "../../support/fakes/bus-network.ts";
import { createMemoryLog } from "../../support/memory-log.ts";
import { openTestDatabase } from "../../support/postgres.ts";
import { findTestRedis } from "../../support/redis.ts";
import { openTempDir } from "../../support/temp-dir.ts";

const userId = parseUserId("ada");
const WORDS = Array.from({ length: 60 }, (_, index) => `word ${index} äöü😀 `);
const redisUrl = await findTestRedis();
const { log } = createMemoryLog();
const encode = { event: encodeEventFrame, snapshot: encodeSnapshotFrame };

interface Instance extends AsyncDisposable {
  readonly relay: SessionRelay;
  readonly turns: ReturnType<typeof createTurnLog>;
  readonly owner: TurnOwner;
}

/** Store, bus and relay, as a server has them. */
async function openInstance(databaseUrl: string, openBus: () => Promise<Bus>): Promise<Instance> {
  const dir = await openTempDir();
  const store = await openStore(dir.path, databaseUrl);
  const bus = await openBus();
  const sessions = createSessionRepository(store.reader, store.writer);
  const users = createUserRepository(store.reader, store.writer);
  await users.add({ id: userId, name: "Ada", role: "member", createdAtMs: 1 });
  const instanceId = parseInstanceId(newId());
  const instances = createInstanceRegistry(store.reader, store.writer);
  const { epoch } = await instances.join({ instanceId, leaseMs: 60_000, isAlone: false });
  const after = (ms: number, work: () => void) => {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  };
  const relay = new SessionRelay({ sessions, encode, bus, after, nowMs: Date.now });
  return {
    relay,
    turns: createTurnLog(store.writer),
    owner: { instanceId, epoch },
    [Symbol.asyncDispose]: async () => {
      for (const each of [relay, bus, store, dir]) await each[Symbol.asyncDispose]();
    },
  };
}

/** A turn of that instance, as its agent would run it. */
async function beginTurn({ relay, turns, owner }: Instance, known?: SessionId) {
  const [turnId, messageId] = [parseTurnId(newId()), parseMessageId(newId())];
  const sessionId = known ?? parseSessionId(newId());
  const accepted = await turns.accept({
    turnId,
    userId,
    clientMessageId: randomUUID(),
    messageId: parseMessageId(newId()),
    text: "Tell me",
    session: { id: sessionId, isNew: known === undefined },
    owner,
    nowMs: Date.now(),
  });
  if (accepted.kind !== "accepted" || !accepted.isBegun) throw new Error("The turn did not begin");
  let headSeq = accepted.seq;
  let unsaved: NumberedEvent[] = [];
  const { epoch } = owner;
  const number = (event: TurnEvent) => ({ seq: (headSeq += 1), event });
  const show = (...events: readonly TurnEvent[]) => {
    const numbered = events.map(number);
    unsaved.push(...numbered);
    const frames = numbered.map(({ seq, event }) => ({
      seq,
      frame: encodeEventFrame({ sessionId, turnId, epoch, seq, event }),
    }));
    relay.publish({ sessionId, turnId, epoch, frames });
  };
  show({ kind: "turn-started", userMessageId: messageId, text: "Tell me", attempt: 1 });
  show({ kind: "text-started", messageId });
  return {
    sessionId,
    messageId,
    say: (delta: string) => show({ kind: "text-delta", messageId, delta }),
    end: async (text: string) => {
      show({ kind: "text-ended", messageId }, { kind: "turn-completed" });
      const [parts, createdAtMs] = [[{ kind: "text", text }] as const, Date.now()];
      const message = { id: messageId, sessionId, turnId, parts, createdAtMs, isComplete: true };
      await turns.save({
        turnId,
        sessionId,
        epoch,
        messages: [{ position: 1, message: { ...message, role: "assistant" } }],
        tasks: [],
        events: unsaved,
        end: { kind: "completed", endedAtMs: createdAtMs },
        nowMs: createdAtMs,
      });
      unsaved = [];
      relay.settle(sessionId, turnId);
    },
  };
}

/** What a client makes of what it gets, by docs/protocol.md. */
class Reader {
  readonly texts = new Map<string, string>();
  readonly ended: string[] = [];
  snapshots = 0;
  position: { readonly seq: number; readonly epoch: number | undefined } = {
    seq: 0,
    epoch: undefined,
  };
  #stop: () => void = () => undefined;

  async followAt({ relay }: Instance, sessionId: SessionId): Promise<void> {
    this.#stop();
    const { seq, epoch } = this.position;
    const result = await relay.follow({ userId, sessionId, after: seq, epoch }, (frames) => {
      for (const frame of frames) this.#take(JSON.parse(frame) as EventFrame);
    });
    if (result.kind !== "following") throw new Error("The session was not found");
    this.#stop = () => result.stop();
  }

  textOf(messageId: MessageId): string {
    return this.texts.get(messageId) ?? "";
  }

  #take({ seq, epoch, turnId, event }: EventFrame): void {
    if (event.type === "MESSAGES_SNAPSHOT") {
      this.snapshots += 1;
      this.texts.clear();
      for (const { id, content = "" } of event.messages) this.texts.set(id, content);
    } else {
      if (seq !== this.position.seq + 1) {
        throw new Error(`Event ${seq} came after ${this.position.seq}`);
      }
      if (event.type === "TEXT_MESSAGE_CONTENT") {
        this.texts.set(event.messageId, (this.texts.get(event.messageId) ?? "") + event.delta);
      }
      if (event.type === "RUN_FINISHED") this.ended.push(turnId);
    }
    this.position = { seq, epoch };
  }
}

/** A turn on one instance is followed on another, left and resumed there, and on both. */
function describeTwoInstances(
  name: string,
  openMedium: (databaseUrl: string) => () => Promise<Bus>,
  isLive: boolean,
): void {
  describe(`two instances, ${name}`, () => {
    test("a session that runs on one is seen on the other, in order and whole", async ({
      expect,
    }) => {
      await using database = await openTestDatabase();
      const openBus = openMedium(database.url);
      await using here = await openInstance(database.url, openBus);
      await using there = await openInstance(database.url, openBus);
      const turn = await beginTurn(here);
      const { sessionId, messageId } = turn;
      const [away, home, wanderer] = [new Reader(), new Reader(), new Reader()];
      await away.followAt(there, sessionId);
      await home.followAt(here, sessionId);
      await wanderer.followAt(here, sessionId);
      const text = WORDS.join("");
      let said = "";
      for (const [index, word] of WORDS.entries()) {
        turn.say(word);
        said += word;
        if (index % 20 === 19) {
          if (isLive) await expect.poll(() => away.textOf(messageId)).toBe(said);
          await wanderer.followAt(index === 39 ? here : there, sessionId);
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      expect(home.textOf(messageId)).toBe(text);
      await turn.end(text);
      for (const reader of [away, home, wanderer]) {
        await expect.poll(() => reader.ended, { timeout: 5_000 }).toHaveLength(1);
        expect(reader.textOf(messageId)).toBe(text);
      }
      if (isLive) expect([away.snapshots, wanderer.snapshots]).toEqual([0, 0]);

      // The next turn of the session runs on the other one.
      const next = await beginTurn(there, sessionId);
      next.say("And so on");
      await next.end("And so on");
      for (const reader of [away, home, wanderer]) {
        await expect.poll(() => reader.ended, { timeout: 5_000 }).toHaveLength(2);
        expect(reader.textOf(next.messageId)).toBe("And so on");
      }
    });
  });
}

describeTwoInstances("over Postgres", (url) => () => openPostgresBus({ url, log }), true);

describe.skipIf(redisUrl === undefined)("with a Redis", () => {
  describeTwoInstances(
    "over Redis",
    (url) => () => openRedisBus({ url: redisUrl ?? "", scope: new URL(url).pathname, log }),
    true,
  );
});

describeTwoInstances(
  "with every notification lost",
  () => {
    const network = createBusNetwork(() => undefined);
    return () => Promise.resolve(network.join());
  },
  false,
);
