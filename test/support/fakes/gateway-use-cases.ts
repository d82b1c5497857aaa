import { createHash } from "node:crypto";
import { createAcceptConversation } from "#application/accept-conversation/accept-conversation.ts";
import { createCompactSession } from "#application/build-context/compact-session.ts";
import type { FrameSink } from "#application/follow-session/session-hub.ts";
import { createManageContext } from "#application/manage-context/manage-context.ts";
import { createManageMemory } from "#application/manage-memory/manage-memory.ts";
import { createManageTokens } from "#application/manage-tokens/manage-tokens.ts";
import { createManageUsers } from "#application/manage-users/manage-users.ts";
import type { AcceptMessageInput } from "#application/ports/accept-message.ts";
import { createReadTimeline } from "#application/read-timeline/read-timeline.ts";
import { createResolveApproval } from "#application/resolve-approval/resolve-approval.ts";
import { createSignIn } from "#application/sign-in/sign-in.ts";
import { createWaitForTurn } from "#application/wait-for-turn/wait-for-turn.ts";
import { CredentialWatch } from "#application/watch-credentials/credential-watch.ts";
import type { AuditEntry, AuditEvent } from "#domain/audit/audit-log.ts";
import type { Brake } from "#domain/brake/brake.ts";
import { type Message, textOf } from "#domain/message/message.ts";
import type { Schedule } from "#domain/schedule/schedule.ts";
import type { Session } from "#domain/session/session.ts";
import { Fault } from "#domain/shared/fault.ts";
import type { ApprovalId, SessionId, TaskId, TurnId, UserId } from "#domain/shared/id.ts";
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
import type { ImportTurn } from "#domain/turn/turn-log.ts";
import { SCOPES, type Scope } from "#domain/user/scope.ts";
import type { UserRole } from "#domain/user/user.ts";
import { hashSecret, newId, newSecret } from "#infrastructure/ids/ids.ts";
import { encodeEventFrame, mayEndTurn } from "#presentation/gateway/event-frame.ts";
import type { Denial, GatewayDeps } from "#presentation/gateway/use-cases.ts";
import { askedOf } from "../approvals.ts";
import {
  createMemoryCompactions,
  createMemoryNotes,
  createMemoryPins,
} from "./memory-agent-repositories.ts";
import { createMemoryApprovals } from "./memory-approvals.ts";
import { openMemoryIdempotencyKeys } from "./memory-idempotency-keys.ts";
import { openMemoryTranscripts } from "./memory-transcripts.ts";
import { openMemoryUsers } from "./memory-users.ts";

export const TOKEN = "correct-horse-battery-staple-0123456789";
/** A model that people may not choose. */
export const NOT_ALLOWED = "openai/gpt-5.5";
export const OTHER_TOKEN = "another-horse-battery-staple-0123456789";

/** The gateway's use cases over plain memory, and what tests need to steer and watch them. */
export interface FakeUseCases extends GatewayDeps, AsyncDisposable {
  /** Lets another user in by a token. */
  addUser(input: AddUser): Promise<void>;
  addTask(userId: UserId, sessionId: SessionId, turnId: TurnId): TaskId;
  /** A question that waits. */
  addApproval(userId: UserId, sessionId: SessionId, turnId: TurnId): Promise<ApprovalId>;
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
  /** What `acceptMessage` was called with. */
  readonly acceptedInputs: readonly AcceptMessageInput[];
  /** Is the agent: told of each turn a moment after it was accepted. */
  onAccepted: ((turn: AcceptedTurn) => void) | undefined;
  /** The turns that new sessions were made of. */
  readonly imported: readonly ImportTurn[];
  isReady: boolean;
}

export interface AddUser {
  readonly id: string;
  readonly role: UserRole;
  readonly token: string;
  readonly scopes?: readonly Scope[];
  readonly expiresAtMs?: number;
}

export interface AcceptedTurn {
  readonly sessionId: SessionId;
  readonly turnId: TurnId;
  readonly text: string;
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
  const approvals = createMemoryApprovals();
  const resolving = createResolveApproval({
    approvals,
    wake: () => undefined,
    nowMs: nowMsOfDay,
  });
  const compactions = createMemoryCompactions();
  const context = createManageContext({
    findSession: async (sessionId) => sessions.get(sessionId)?.session,
    compactions,
    pins: createMemoryPins((sessionId, messageId) => {
      return sessions.get(sessionId)?.messages.some(({ id }) => id === messageId) === true;
    }),
    nowMs: nowMsOfDay,
  });
  const memory = createManageMemory({ notes: createMemoryNotes(), newId, nowMs: nowMsOfDay });
  const calls: string[] = [];
  let gate = Promise.resolve();
  let isBroken = false;
  let isOverloaded = false;
  let count = 0;
  let nowMs = 1_000;
  let brake: Brake | undefined;

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

  const imported: ImportTurn[] = [];
  const acceptedInputs: AcceptMessageInput[] = [];
  const conversations = createAcceptConversation({
    acceptMessage: (input) => fake.acceptMessage(input),
    importTurn: async (input) => {
      await enter("importTurn");
      imported.push(input);
      open(input.userId, input.sessionId, input.title).messages.push(...input.messages);
    },
    hasSession: async (id) => sessions.has(id),
    transcripts: openMemoryTranscripts(),
    hash: (text) => createHash("sha256").update(text).digest("hex"),
    newId,
    nowMs: nowMsOfDay,
  });

  const fake: FakeUseCases = {
    calls,
    acceptedInputs,
    onAccepted: undefined,
    isReady: true,
    about: () => ({ model: "offline/rules", version: "0.1.0" }),
    readiness: () => ({
      isReady: fake.isReady,
      reasons: fake.isReady ? [] : ["The store is not open"],
    }),
    renderMetrics: async () => "# TYPE up gauge\nup 1\n",
    listSkills: async () => ({
      skills: [
        {
          name: "clock",
          version: "1.0.0",
          description: "Tells the time",
          digest: "sha256:0",
          tools: [
            {
              name: "now",
              description: "Now",
              effects: ["read"],
              examples: [{ text: "what time is it", input: {} }],
            },
          ],
        },
      ],
      promptSkills: [{ name: "letters" }, { name: "reports", description: "Write a report" }],
    }),

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

    acceptConversation: (input) => conversations.acceptConversation(input),
    continueConversation: (input) => conversations.continueConversation(input),
    rememberAnswer: (input, place) => conversations.rememberAnswer(input, place),
    listModels: () => ["offline/rules"],
    judgeModel: (name) => {
      if (name === NOT_ALLOWED) return "not-allowed";
      return name.startsWith("offline/") ? "allowed" : "unknown-model";
    },
    imported,

    async acceptMessage(input: AcceptMessageInput) {
      const { userId, clientMessageId, text, sessionId: wanted } = input;
      await enter("acceptMessage");
      acceptedInputs.push(input);
      if (isOverloaded) return { kind: "overloaded", retryAfterMs: 1_500 };
      const known = accepted.get(`${userId} ${clientMessageId}`);
      if (known !== undefined) {
        if (known.text !== text) return { kind: "conflict" };
        return { ...known.result, duplicate: true };
      }
      if (wanted !== undefined && own(userId, wanted) === undefined) return { kind: "not-found" };
      const sessionId = wanted ?? input.newSessionId ?? parseSessionId(`s${next()}`);
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
      setImmediate(() => fake.onAccepted?.({ sessionId, turnId, text }));
      return first;
    },
    async regenerateTurn({ userId, turnId, clientMessageId, text }) {
      const stored = [...sessions.values()].find(({ turns }) => turns.has(turnId));
      if (stored?.session.userId !== userId) return { kind: "not-found" };
      const asked = stored.messages.find((each) => each.turnId === turnId && each.role === "user");
      const message = { text: text ?? (asked === undefined ? "" : textOf(asked)) };
      const sessionId = stored.session.id;
      return fake.acceptMessage({ userId, clientMessageId, sessionId, ...message });
    },
    async listBranches({ userId, sessionId }) {
      await enter("listBranches");
      return own(userId, sessionId) && [];
    },
    async useBranch({ userId, sessionId, turnId }) {
      await enter("useBranch");
      return own(userId, sessionId)?.turns.has(turnId) ? "used" : "not-found";
    },
    async findBrake() {
      await enter("findBrake");
      return brake;
    },
    async engageBrake({ by, reason }) {
      await enter("engageBrake");
      brake ??= { sinceMs: nowMs, by, reason };
      return brake;
    },
    async releaseBrake() {
      await enter("releaseBrake");
      const wasOn = brake !== undefined;
      brake = undefined;
      return wasOn ? "released" : "was-released";
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
    async readTimeline(input) {
      await enter("readTimeline");
      const read = createReadTimeline({
        turns: { find: async (turnId) => readTurn(input.userId, turnId)?.turn },
        spend: { listModelCalls: async () => [] },
        tasks: { listOfTurn: async () => [] },
        approvals: { listOfTurn: async () => [] },
      });
      return read(input);
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
    async chooseModel({ userId, sessionId, model }) {
      await enter("chooseModel");
      const stored = own(userId, sessionId);
      if (stored === undefined) return { kind: "not-found" };
      if (model === "unknown") return { kind: "unknown-model" };
      if (model === NOT_ALLOWED) return { kind: "not-allowed" };
      stored.session = { ...stored.session, model };
      return { kind: "chosen", session: stored.session };
    },
    describeModels() {
      calls.push("describeModels");
      const offline = { name: "offline/rules", isUsable: true, fallbacks: [] };
      return {
        default: { name: "offline/rules", model: "offline/rules" },
        providers: [{ name: "offline", keys: 0, isUsable: true }],
        aliases: [],
        models: [{ ...offline, price: { input: 0, output: 0 } }],
        pricesAsOf: "2026-10-10",
      };
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

    listCompactions: (input) => enter("listCompactions").then(() => context.listCompactions(input)),
    undoCompaction: (input) => enter("undoCompaction").then(() => context.undoCompaction(input)),
    listPins: (input) => enter("listPins").then(() => context.listPins(input)),
    pinMessage: (input) => enter("pinMessage").then(() => context.pinMessage(input)),
    unpinMessage: (input) => enter("unpinMessage").then(() => context.unpinMessage(input)),
    listNotes: (userId) => enter("listNotes").then(() => memory.listNotes(userId)),
    addNote: (input) => enter("addNote").then(() => memory.addNote(input)),
    deleteNote: (input) => enter("deleteNote").then(() => memory.deleteNote(input)),
    async compactSession(input) {
      await enter("compactSession");
      const compact = createCompactSession({
        sessions: {
          async readConversation({ sessionId }) {
            const stored = own(input.userId, sessionId);
            if (stored === undefined) return undefined;
            return { session: stored.session, messages: stored.messages, turns: [] };
          },
        },
        store: {
          read: async () => ({
            version: { session: 0, user: 0 },
            notes: [],
            compactions: await compactions.list(input.sessionId),
            pinned: [],
            isBranched: false,
          }),
          readMessages: async () => [],
          addCompaction: (compaction) => compactions.add(compaction),
        },
        newId,
        nowMs: nowMsOfDay,
      });
      return compact(input);
    },

    listApprovals: (input) => enter("listApprovals").then(() => resolving.listApprovals(input)),
    findApproval: (input) => enter("findApproval").then(() => resolving.findApproval(input)),
    decideApproval: (input) => enter("decideApproval").then(() => resolving.decideApproval(input)),
    revokeApproval: (input) => enter("revokeApproval").then(() => resolving.revokeApproval(input)),
    async addApproval(userId, sessionId, turnId) {
      const approval = askedOf(`approval-${next()}`, { userId, sessionId, turnId });
      await approvals.add(approval);
      return approval.id;
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
    async cancelTask({ userId, taskId }) {
      await enter("cancelTask");
      const task = tasks.get(taskId);
      return { kind: task?.userId === userId ? "already-ended" : "not-found" };
    },
    readUsage: async () => ({ inputTokens: 7, outputTokens: 3, cachedInputTokens: 2 }),
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
      for (const event of events) {
        if (event.kind === "text-ended") stored.messages.push(toMessage(stored, turnId, event));
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

/** The message that has ended, out of all that was shown of it. */
function toMessage(
  { session, frames }: StoredSession,
  turnId: TurnId,
  { messageId: id }: Extract<TurnEvent, { kind: "text-ended" }>,
): Message {
  const shown = frames.map((frame) => JSON.parse(frame) as ShownDelta);
  const deltas = shown.filter(
    ({ turnId: of, event }) =>
      of === turnId && event.messageId === id && event.type === "TEXT_MESSAGE_CONTENT",
  );
  const text = deltas.map(({ event }) => event.delta ?? "").join("");
  const parts = [{ kind: "text" as const, text }];
  const own = { id, sessionId: session.id, turnId, createdAtMs: 7 };
  return { ...own, role: "assistant", parts, isComplete: true };
}

interface ShownDelta {
  readonly turnId: string;
  readonly event: { readonly type: string; readonly messageId?: string; readonly delta?: string };
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
