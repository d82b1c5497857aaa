import type { FrameSink } from "#application/follow-session/session-hub.ts";
import { createManageTokens } from "#application/manage-tokens/manage-tokens.ts";
import { createManageUsers } from "#application/manage-users/manage-users.ts";
import { createSignIn } from "#application/sign-in/sign-in.ts";
import { createWaitForTurn } from "#application/wait-for-turn/wait-for-turn.ts";
import { CredentialWatch } from "#application/watch-credentials/credential-watch.ts";
import type { AuditEntry, AuditEvent } from "#domain/audit/audit-log.ts";
import type { Message } from "#domain/message/message.ts";
import type { Schedule } from "#domain/schedule/schedule.ts";
import type { Session } from "#domain/session/session.ts";
import { Fault } from "#domain/shared/fault.ts";
import type { SessionId, TaskId, TurnId, UserId } from "#domain/shared/id.ts";
import {
  parseCredentialId,
  parseMessageId,
  parseSessionId,
  parseTaskId,
  parseToolCallId,
  parseTurnId,
  parseUserId,
} from "#domain/shared/id.ts";
import { NO_USAGE, type Task } from "#domain/task/task.ts";
import { isFinal, type Turn } from "#domain/turn/turn.ts";
import type { TurnEvent } from "#domain/turn/turn-event.ts";
import { SCOPES, type Scope } from "#domain/user/scope.ts";
import type { UserRole } from "#domain/user/user.ts";
import { hashSecret, newId, newSecret } from "#infrastructure/ids/ids.ts";
import { encodeEventFrame, mayEndTurn } from "#presentation/gateway/event-frame.ts";
import type { Denial, GatewayDeps } from "#presentation/gateway/use-cases.ts";
import { openMemoryIdempotencyKeys } from "./memory-idempotency-keys.ts";
import { openMemoryUsers } from "./memory-users.ts";

export const TOKEN = "correct-horse-battery-staple-0123456789";
export const OTHER_TOKEN = "another-horse-battery-staple-0123456789";

/** The gateway's use cases over plain memory, and what tests need to steer and watch them. */
export interface FakeUseCases extends GatewayDeps, AsyncDisposable {
  /** Lets another user in by a token. */
  addUser(input: AddUser): Promise<void>;
  addTask(userId: UserId, sessionId: SessionId, turnId: TurnId): TaskId;
  readonly denials: Denial[];
  readonly audited: AuditEvent[];
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

export interface AddUser {
  readonly id: string;
  readonly role: UserRole;
  readonly token: string;
  readonly scopes?: readonly Scope[];
  readonly expiresAtMs?: number;
}

interface StoredSession {
  session: Session;
  readonly frames: string[];
  readonly sinks: Set<FrameSink>;
  readonly messages: Message[];
  readonly turns: Map<TurnId, Turn>;
}

export function createFakeUseCases(): FakeUseCases {
  const nowMsOfDay = () => Date.now();
  const { users, credentials, audited } = openMemoryUsers();
  const silent = () => undefined;
  const log = { error: silent, warn: silent, info: silent, debug: silent };
  const watch = new CredentialWatch({ credentials, nowMs: nowMsOfDay, log });
  const denials: Denial[] = [];
  const shared = {
    users,
    credentials,
    credentialsRevoked: (ids: Parameters<CredentialWatch["revoked"]>[0]) => watch.revoked(ids),
    onUsed: () => undefined,
    audit: async (event: AuditEvent) => void audited.push(event),
    stopTurnsOf: () => undefined,
    hash: hashSecret,
    newSecret,
    newId,
    nowMs: nowMsOfDay,
  };
  const signIn = createSignIn(shared);
  const manageUsers = createManageUsers(shared);
  const manageTokens = createManageTokens(shared);
  const addUser = async ({ id, role, token, scopes = SCOPES, expiresAtMs }: AddUser) => {
    const userId = parseUserId(id);
    await users.add({ id: userId, name: id === "u1" ? "Ada" : id, role, createdAtMs: 0 });
    const credential = { id: parseCredentialId(newId()), userId, label: "test", createdAtMs: 0 };
    const hash = hashSecret(token);
    await credentials.add({ ...credential, kind: "token", hash, scopes, expiresAtMs });
  };
  // In memory nothing waits: both are there before anybody can ask.
  void addUser({ id: "u1", role: "admin", token: TOKEN });
  void addUser({ id: "u2", role: "member", token: OTHER_TOKEN });
  const schedules = new Map<string, Schedule>();
  const tasks = new Map<string, Task>();
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

    addUser,
    denials,
    audited,
    idempotency: openMemoryIdempotencyKeys(nowMsOfDay),
    watchCredential: (principal, watcher) => watch.watch(principal, watcher),
    noteDenied: (denial) => void denials.push(denial),
    [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose](),

    signIn: (token) => enter("signIn").then(() => signIn.signIn(token)),
    openBrowserSession: (token) =>
      enter("openBrowserSession").then(() => signIn.openBrowserSession(token)),
    findBrowserSession: (secret) =>
      enter("findBrowserSession").then(() => signIn.findBrowserSession(secret)),
    closeBrowserSession: (secret) =>
      enter("closeBrowserSession").then(() => signIn.closeBrowserSession(secret)),
    listUsers: (input) => enter("listUsers").then(() => manageUsers.listUsers(input)),
    findUser: (userId) => enter("findUser").then(() => manageUsers.findUser(userId)),
    createUser: (input) => enter("createUser").then(() => manageUsers.createUser(input)),
    changeUser: (input) => enter("changeUser").then(() => manageUsers.changeUser(input)),
    removeUser: (input) => enter("removeUser").then(() => manageUsers.removeUser(input)),
    listTokens: (input) => enter("listTokens").then(() => manageTokens.listTokens(input)),
    createToken: (input) => enter("createToken").then(() => manageTokens.createToken(input)),
    revokeToken: (input) => enter("revokeToken").then(() => manageTokens.revokeToken(input)),

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
      stored.turns.set(turnId, {
        id: turnId,
        sessionId,
        userId,
        userMessageId: messageId,
        state: { kind: "queued" },
        attempts: 0,
        epoch: 0,
        isCancelled: false,
        createdAtMs: nowMs,
      });
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
      const turn = stored.turns.get(turnId);
      if (turn !== undefined && isFinal(turn.state)) return { kind: "already-ended" };
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
    async readTurn({ userId, turnId }) {
      await enter("readTurn");
      return readTurn(userId, turnId);
    },
    async waitForTurn(input, signal) {
      await enter("waitForTurn");
      const wait = createWaitForTurn({
        findTurn: async (turnId) => readTurn(input.userId, turnId)?.turn,
        followSession: (from, sink) => fake.followSession(from, sink),
        mayEndTurn,
      });
      await wait(input, signal);
    },
    async listTurns({ userId, sessionId, limit, before }) {
      await enter("listTurns");
      const stored = own(userId, sessionId);
      if (stored === undefined) return undefined;
      return [...stored.turns.values()]
        .toSorted((a, b) => numberOf(b.id) - numberOf(a.id))
        .filter(({ id }) => before === undefined || numberOf(id) < numberOf(before))
        .slice(0, limit);
    },
    async findSession({ userId, sessionId }) {
      await enter("findSession");
      return own(userId, sessionId)?.session;
    },
    async listSessions({ userId, limit, before }) {
      await enter("listSessions");
      const isBefore = (a: Session, b: Pick<Session, "id" | "updatedAtMs">) =>
        a.updatedAtMs < b.updatedAtMs || (a.updatedAtMs === b.updatedAtMs && a.id < b.id);
      return [...sessions.values()]
        .map(({ session }) => session)
        .filter((session) => session.userId === userId && (!before || isBefore(session, before)))
        .toSorted((a, b) => (isBefore(a, b) ? 1 : -1))
        .slice(0, limit);
    },
    async deleteSession({ userId, sessionId }) {
      await enter("deleteSession");
      const stored = own(userId, sessionId);
      if (stored === undefined) return "not-found";
      if ([...stored.turns.values()].some(({ state }) => !isFinal(state))) return "busy";
      sessions.delete(sessionId);
      return "deleted";
    },
    async readMessages({ userId, sessionId, limit, before }) {
      await enter("readMessages");
      const stored = own(userId, sessionId);
      if (stored === undefined) return undefined;
      const end = before === undefined ? -1 : stored.messages.findIndex(({ id }) => id === before);
      const messages = stored.messages.slice(0, end === -1 ? undefined : end).slice(-limit);
      const turns = [...stored.turns.values()].map(({ id, state }) => ({ id, state: state.kind }));
      return { messages, seq: stored.frames.length, epoch: 1, turns };
    },

    async listTasks({ userId, limit, before, sessionId, state }) {
      await enter("listTasks");
      return [...tasks.values()]
        .filter((task) => task.userId === userId && (!before || task.id < before))
        .filter(
          ({ origin }) => !sessionId || ("sessionId" in origin && origin.sessionId === sessionId),
        )
        .filter((task) => !state || task.state.kind === state)
        .toSorted((a, b) => (a.id < b.id ? 1 : -1))
        .slice(0, limit);
    },
    async findTask({ userId, taskId }) {
      await enter("findTask");
      const task = tasks.get(taskId);
      return task?.userId === userId ? task : undefined;
    },
    addTask(userId, sessionId, turnId) {
      const id = parseTaskId(`task-${next()}`);
      tasks.set(id, {
        id,
        userId,
        origin: { kind: "turn", sessionId, turnId, toolCallId: parseToolCallId("call-1") },
        skill: "clock",
        tool: "now",
        skillDigest: "sha256:0",
        policyHash: "sha256:1",
        input: { zone: "UTC" },
        state: { kind: "completed", endedAtMs: 7, output: { time: "12:00" }, usage: NO_USAGE },
        createdAtMs: 5,
      });
      return id;
    },

    async listSchedules({ userId, limit, after }) {
      await enter("listSchedules");
      return [...schedules.values()]
        .filter((each) => each.userId === userId && (!after || each.id > after))
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit);
    },
    async findSchedule({ userId, scheduleId }) {
      await enter("findSchedule");
      return ownSchedule(userId, scheduleId);
    },
    async listFirings({ userId, scheduleId }) {
      await enter("listFirings");
      if (ownSchedule(userId, scheduleId) === undefined) return undefined;
      const fired = { scheduleId, firedAtMs: nowMs, lateMs: 5 };
      const turnId = parseTurnId("turn-of-firing");
      const failure = { code: "SESSION_NOT_FOUND", message: "It is gone" };
      return [
        { ...fired, dueAtMs: 4, lateMs: undefined, state: { kind: "waiting" } },
        { ...fired, dueAtMs: 3, state: { kind: "failed", endedAtMs: nowMs, failure } },
        {
          ...fired,
          dueAtMs: 2,
          state: { kind: "done", endedAtMs: nowMs, result: { kind: "turn", turnId } },
        },
      ];
    },
    async createSchedule({ userId, scheduleId, name, when, missed, action }) {
      await enter("createSchedule");
      if (when.kind === "cron" && when.expression === "never") {
        return { kind: "refused", message: 'field "when.expression" is wrong, expected cron' };
      }
      const known = ownSchedule(userId, scheduleId);
      if (known !== undefined) return { kind: "created", schedule: known };
      const schedule: Schedule = {
        id: scheduleId,
        userId,
        name,
        when: when.kind === "every" ? { ...when, anchorMs: nowMs } : when,
        missed,
        action,
        state: { kind: "active", nextAtMs: nowMs + 1 },
        lastFiredAtMs: undefined,
        createdAtMs: nowMs,
      };
      schedules.set(scheduleId, schedule);
      return { kind: "created", schedule };
    },
    async changeSchedule({ userId, scheduleId, isPaused }) {
      await enter("changeSchedule");
      const found = ownSchedule(userId, scheduleId);
      if (found === undefined) return { kind: "not-found" };
      const schedule: Schedule = {
        ...found,
        state: isPaused
          ? { kind: "paused", pausedAtMs: nowMs }
          : { kind: "active", nextAtMs: nowMs + 1 },
      };
      schedules.set(scheduleId, schedule);
      return { kind: "changed", schedule };
    },
    async deleteSchedule({ userId, scheduleId }) {
      await enter("deleteSchedule");
      if (ownSchedule(userId, scheduleId) === undefined) return "not-found";
      schedules.delete(scheduleId);
      return "deleted";
    },
    async runSchedule({ userId, scheduleId, atMs }) {
      await enter("runSchedule");
      const found = ownSchedule(userId, scheduleId);
      return found === undefined ? undefined : { scheduleId, dueAtMs: atMs };
    },

    async listAudit({ limit, before, action }) {
      await enter("listAudit");
      return auditEntries
        .filter((each) => (!before || each.seq < before) && (!action || each.action === action))
        .slice(0, limit);
    },
    async verifyAudit() {
      await enter("verifyAudit");
      return { kind: "intact", entries: 3, erased: 1, head: { seq: 3, hash: "c" } };
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
      const turn = stored.turns.get(turnId);
      const state = events.map(toState).findLast((each) => each !== undefined);
      if (turn !== undefined) {
        stored.turns.set(turnId, { ...turn, state: state ?? { kind: "running", startedAtMs: 6 } });
      }
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

  function readTurn(userId: UserId, turnId: TurnId) {
    const stored = [...sessions.values()].find(({ turns }) => turns.has(turnId));
    const turn = stored?.turns.get(turnId);
    if (stored?.session.userId !== userId || turn === undefined) return undefined;
    const messages = stored.messages.filter((each) => each.turnId === turnId);
    return { turn, messages };
  }

  function ownSchedule(userId: UserId, scheduleId: string): Schedule | undefined {
    const found = schedules.get(scheduleId);
    return found?.userId === userId ? found : undefined;
  }

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

function toState(event: TurnEvent): Turn["state"] | undefined {
  if (event.kind === "turn-completed") return { kind: "completed", endedAtMs: 9 };
  if (event.kind === "turn-cancelled") return { kind: "cancelled", endedAtMs: 9 };
  if (event.kind !== "turn-failed") return undefined;
  return { kind: "failed", endedAtMs: 9, failure: event.failure };
}

/** Ids are made with a number that grows. */
function numberOf(id: string): number {
  return Number(/\d+$/u.exec(id)?.[0] ?? 0);
}

const auditEntries: readonly AuditEntry[] = [3, 2, 1].map((seq) => ({
  seq,
  atMs: seq,
  action: seq === 2 ? "access.denied" : "token.created",
  decision: seq === 2 ? "denied" : "allowed",
  policyHash: undefined,
  actor: { kind: "kept", hash: "a", salt: "s", value: "u1" },
  subject: { kind: "erased", hash: "b" },
  detail: { kind: "kept", hash: "c", salt: "s", value: { tokenId: "t" } },
  prevHash: String(seq - 1),
  hash: String(seq),
}));
