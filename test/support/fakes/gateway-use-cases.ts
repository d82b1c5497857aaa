import type { FrameSink } from "#application/follow-session/session-hub.ts";
import type { Message } from "#domain/message/message.ts";
import type { Session } from "#domain/session/session.ts";
import { Fault } from "#domain/shared/fault.ts";
import type { SessionId, TurnId, UserId } from "#domain/shared/id.ts";
import { parseMessageId, parseSessionId, parseTurnId, parseUserId } from "#domain/shared/id.ts";
import type { TurnEvent } from "#domain/turn/turn-event.ts";
import type { User } from "#domain/user/user.ts";
import { encodeEventFrame } from "#presentation/gateway/event-frame.ts";
import type { GatewayDeps } from "#presentation/gateway/use-cases.ts";

export const TOKEN = "correct-horse-battery-staple-0123456789";
export const OTHER_TOKEN = "another-horse-battery-staple-0123456789";

/** The gateway's use cases over plain memory, and what tests need to steer and watch them. */
export interface FakeUseCases extends GatewayDeps {
  /** Adds an event to a session's log and shows it to all who follow. */
  emit(sessionId: SessionId, turnId: TurnId, event: TurnEvent): void;
  /** Adds many at once. */
  emitAll(sessionId: SessionId, turnId: TurnId, events: readonly TurnEvent[]): void;
  readonly followers: () => number;
  /** Makes every call wait until the returned function is called. */
  hold(): () => void;
  /** Makes every later call fail as a store that is gone. */
  breakStore(): void;
  /** Answers every later message so. */
  overload(): void;
  readonly calls: string[];
  isReady: boolean;
}

interface StoredSession {
  session: Session;
  readonly frames: string[];
  readonly sinks: Set<FrameSink>;
  readonly messages: Message[];
  readonly turns: Map<TurnId, "queued" | "running" | "ended">;
}

export function createFakeUseCases(): FakeUseCases {
  const users = new Map<string, User>([
    [TOKEN, user("u1", "Ada")],
    [OTHER_TOKEN, user("u2", "Bob")],
  ]);
  const browserSessions = new Map<string, User>();
  const sessions = new Map<SessionId, StoredSession>();
  const accepted = new Map<string, { text: string; result: Accepted }>();
  const calls: string[] = [];
  let gate = Promise.resolve();
  let isBroken = false;
  let isOverloaded = false;
  let count = 0;
  let nowMs = 1_000;

  const next = () => String((count += 1));
  const own = (userId: UserId, id: SessionId) => {
    const stored = sessions.get(id);
    return stored?.session.userId === userId ? stored : undefined;
  };
  const enter = async (call: string) => {
    calls.push(call);
    await gate;
    if (isBroken) throw new Fault("STORE_UNAVAILABLE", "Cannot write: disk /secret/path is full");
  };

  const fake: FakeUseCases = {
    calls,
    isReady: true,
    about: { model: "offline/rules", version: "0.1.0" },
    readiness: () => ({
      isReady: fake.isReady,
      reasons: fake.isReady ? [] : ["The store is not open"],
    }),
    listSkills: () => [
      {
        name: "clock",
        version: "1.0.0",
        description: "Tells the time",
        digest: "sha256:0",
        tools: [
          {
            name: "now",
            description: "Now",
            inputSchema: {},
            effects: ["read"],
            examples: [{ text: "what time is it", input: {} }],
          },
        ],
      },
    ],

    async signIn(token) {
      await enter("signIn");
      return users.get(token);
    },
    async openBrowserSession(owner) {
      await enter("openBrowserSession");
      const secret = `secret-${next()}`;
      browserSessions.set(secret, owner);
      return { secret, expiresAtMs: Date.now() + 86_400_000 };
    },
    async findBrowserSession(secret) {
      await enter("findBrowserSession");
      return browserSessions.get(secret);
    },
    async closeBrowserSession(secret) {
      await enter("closeBrowserSession");
      browserSessions.delete(secret);
    },

    async acceptMessage({ userId, clientMessageId, text, sessionId: wanted }) {
      await enter("acceptMessage");
      if (isOverloaded) return { kind: "overloaded", retryAfterMs: 1_500 };
      const known = accepted.get(`${userId} ${clientMessageId}`);
      if (known !== undefined) {
        if (known.text !== text) return { kind: "conflict" };
        return { ...known.result, duplicate: true };
      }
      if (wanted !== undefined && own(userId, wanted) === undefined) return { kind: "not-found" };
      const sessionId = wanted ?? parseSessionId(`s${next()}`);
      const stored = own(userId, sessionId) ?? open(userId, sessionId, text);
      const [messageId, turnId] = [parseMessageId(`m${next()}`), parseTurnId(`t${next()}`)];
      stored.turns.set(turnId, "queued");
      stored.messages.push({
        id: messageId,
        sessionId,
        turnId,
        role: "user",
        parts: [{ kind: "text", text }],
        isComplete: true,
        createdAtMs: nowMs,
      });
      const seq = stored.frames.length;
      const result = { kind: "accepted", sessionId, messageId, turnId, seq } as const;
      const first = { ...result, duplicate: false };
      accepted.set(`${userId} ${clientMessageId}`, { text, result: first });
      fake.emit(sessionId, turnId, {
        kind: "turn-started",
        userMessageId: messageId,
        text,
        attempt: 1,
      });
      return first;
    },
    async cancelTurn({ userId, turnId }) {
      await enter("cancelTurn");
      const stored = [...sessions.values()].find(({ turns }) => turns.has(turnId));
      if (stored?.session.userId !== userId) return { kind: "not-found" };
      if (stored.turns.get(turnId) === "ended") return { kind: "already-ended" };
      fake.emit(stored.session.id, turnId, { kind: "turn-cancelled" });
      return { kind: "cancelling" };
    },
    async followSession({ userId, sessionId, after }, sink) {
      await enter("followSession");
      const stored = own(userId, sessionId);
      if (stored === undefined) return { kind: "not-found" };
      if (after < stored.frames.length) sink(stored.frames.slice(after));
      stored.sinks.add(sink);
      return { kind: "following", stop: () => stored.sinks.delete(sink) };
    },
    async listSessions({ userId, limit, beforeMs = Number.POSITIVE_INFINITY }) {
      await enter("listSessions");
      return [...sessions.values()]
        .map(({ session }) => session)
        .filter((session) => session.userId === userId && session.updatedAtMs < beforeMs)
        .toSorted((a, b) => b.updatedAtMs - a.updatedAtMs)
        .slice(0, limit);
    },
    async deleteSession({ userId, sessionId }) {
      await enter("deleteSession");
      const stored = own(userId, sessionId);
      if (stored === undefined) return "not-found";
      if ([...stored.turns.values()].some((state) => state !== "ended")) return "busy";
      sessions.delete(sessionId);
      return "deleted";
    },
    async readMessages({ userId, sessionId, limit, before }) {
      await enter("readMessages");
      const stored = own(userId, sessionId);
      if (stored === undefined) return undefined;
      const end = before === undefined ? -1 : stored.messages.findIndex(({ id }) => id === before);
      const messages = stored.messages.slice(0, end === -1 ? undefined : end).slice(-limit);
      const turns = [...stored.turns].flatMap(([id, state]) =>
        state === "ended" ? [] : [{ id, state }],
      );
      return { messages, seq: stored.frames.length, epoch: 1, turns };
    },

    emit: (sessionId, turnId, event) => fake.emitAll(sessionId, turnId, [event]),
    emitAll(sessionId, turnId, events) {
      const stored = sessions.get(sessionId);
      if (stored === undefined) throw new RangeError(`Cannot emit: no session "${sessionId}"`);
      const fresh = events.map((event, at) => {
        const seq = stored.frames.length + at + 1;
        return encodeEventFrame({ sessionId, turnId, epoch: 1, seq, event });
      });
      for (const frame of fresh) stored.frames.push(frame);
      const isEnd = events.some(({ kind }) => ENDS.has(kind));
      stored.turns.set(turnId, isEnd ? "ended" : "running");
      for (const sink of stored.sinks) sink(fresh);
    },
    followers: () => [...sessions.values()].reduce((sum, { sinks }) => sum + sinks.size, 0),
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
    breakStore() {
      isBroken = true;
    },
    overload() {
      isOverloaded = true;
    },
  };
  return fake;

  function open(userId: UserId, id: SessionId, title: string): StoredSession {
    nowMs += 1;
    const session = {
      id,
      userId,
      title,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      headSeq: 0,
      headEpoch: 0,
    };
    const stored: StoredSession = {
      session,
      frames: [],
      sinks: new Set(),
      messages: [],
      turns: new Map(),
    };
    sessions.set(id, stored);
    return stored;
  }
}

type Accepted = Extract<Awaited<ReturnType<GatewayDeps["acceptMessage"]>>, { kind: "accepted" }>;

const ENDS: ReadonlySet<string> = new Set(["turn-completed", "turn-cancelled", "turn-failed"]);

function user(id: string, name: string): User {
  return { id: parseUserId(id), name, role: "admin", createdAtMs: 0 };
}
