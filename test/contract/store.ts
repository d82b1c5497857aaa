import { describe, test } from "vitest";
import type { InstanceRegistry } from "#domain/instance/instance-registry.ts";
import type { SessionRepository } from "#domain/session/session-repository.ts";
import {
  type InstanceId,
  type MessageId,
  parseInstanceId,
  parseMessageId,
  parseSessionId,
  parseTaskId,
  parseToolCallId,
  parseTurnId,
  parseUserId,
  type SessionId,
  type TurnId,
  type UserId,
} from "#domain/shared/id.ts";
import { MAX_TURN_ATTEMPTS } from "#domain/turn/turn.ts";
import type { NumberedEvent } from "#domain/turn/turn-event.ts";
import type { AcceptTurn, SaveTurn, TurnLog, TurnOwner } from "#domain/turn/turn-log.ts";
import type { UserRepository } from "#domain/user/user-repository.ts";

/** A store under test, opened on a place of its own. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly turns: TurnLog;
  readonly instances: InstanceRegistry;
  readonly sessions: SessionRepository;
  readonly users: UserRepository;
  /** Closes the store and opens it again on the same data. */
  reopen(): Promise<void>;
}

const HERE = parseInstanceId("here");
const THERE = parseInstanceId("there");
const LONG_MS = 3_600_000;
/** As whom tests accept: the instance `HERE` of the store that was opened last. */
let owner: TurnOwner = { instanceId: HERE, epoch: 0 };

const alice = parseUserId("alice");
const bob = parseUserId("bob");

/** What every store promises. */
export function describeStore(name: string, openStore: () => Promise<StoreUnderTest>): void {
  const open = async () => {
    const store = await openStore();
    const entry = { instanceId: HERE, leaseMs: LONG_MS, isAlone: false };
    const { epoch } = await store.instances.join(entry);
    owner = { instanceId: HERE, epoch };
    for (const id of [alice, bob]) {
      await store.users.add({ id, name: id, role: "member", createdAtMs: 1 });
    }
    return store;
  };

  describe(`TurnLog ${name}`, () => {
    test("accept() stores a message once and answers a repeat alike", async ({ expect }) => {
      await using store = await open();
      const first = await store.turns.accept(acceptInput("m1"));
      const again = await store.turns.accept(acceptInput("m1"));
      expect(first).toMatchObject({ kind: "accepted", duplicate: false, seq: 0 });
      const notBegun = {
        duplicate: true,
        isBegun: false,
        contextVersion: undefined,
        hasOnlyMessages: undefined,
      };
      expect(again).toEqual({ ...first, ...notBegun });
      const { sessionId } = accepted(first);
      expect(await store.sessions.listMessages({ sessionId, limit: 10 })).toHaveLength(1);
      expect(await store.sessions.list({ userId: alice, limit: 10 })).toHaveLength(1);
    });

    test("accept() answers the very same call as it did the first time", async ({ expect }) => {
      await using store = await open();
      const input = acceptInput("m1");
      const first = accepted(await store.turns.accept(input));
      expect(await store.turns.accept(input)).toEqual(first);
      await store.turns.save(endInput(first, owner.epoch, 1));
      const next: AcceptTurn = {
        ...acceptInput("m2"),
        session: { id: first.sessionId, isNew: false },
      };
      const second = accepted(await store.turns.accept(next));
      expect(second).toMatchObject({ duplicate: false, isBegun: true, seq: 4 });
      expect(await store.turns.accept(next)).toEqual(second);
    });

    test("accept() of one message many times at once makes one turn", async ({ expect }) => {
      await using store = await open();
      const results = await Promise.all(
        Array.from({ length: 50 }, () => store.turns.accept(acceptInput("same"))),
      );
      expect(new Set(results.map((result) => accepted(result).turnId)).size).toBe(1);
      expect(results.filter((result) => !accepted(result).duplicate)).toHaveLength(1);
    });

    test("accept() refuses another text or session under a used id", async ({ expect }) => {
      await using store = await open();
      await store.turns.accept(acceptInput("m1"));
      const otherText = await store.turns.accept({ ...acceptInput("m1"), text: "other" });
      const other = accepted(await store.turns.accept(acceptInput("m2")));
      const elsewhere = await store.turns.accept({
        ...acceptInput("m1"),
        session: { id: other.sessionId, isNew: false },
      });
      expect([otherText.kind, elsewhere.kind]).toEqual(["conflict", "conflict"]);
    });

    test("accept() keeps users apart", async ({ expect }) => {
      await using store = await open();
      const { sessionId } = accepted(await store.turns.accept(acceptInput("m1")));
      const session = { id: sessionId, isNew: false };
      const foreign = await store.turns.accept({ ...acceptInput("m2"), userId: bob, session });
      const unknown = await store.turns.accept({
        ...acceptInput("m3"),
        session: { id: parseSessionId("nowhere"), isNew: false },
      });
      const sameId = await store.turns.accept({ ...acceptInput("m1"), userId: bob });
      expect([foreign.kind, unknown.kind]).toEqual(["not-found", "not-found"]);
      expect(accepted(sameId).duplicate).toBe(false);
    });

    test("a turn's messages, tasks and events are there when it has ended", async ({ expect }) => {
      await using store = await open();
      const turn = accepted(await store.turns.accept(acceptInput("m1")));
      await store.turns.save(endInput(turn, owner.epoch, 1));
      await store.reopen();
      const messages = await store.sessions.listMessages({ sessionId: turn.sessionId, limit: 10 });
      expect(messages.map(({ role, parts }) => [role, parts])).toEqual([
        ["user", [{ kind: "text", text: "hello" }]],
        ["assistant", [{ kind: "text", text: "Hi there" }]],
      ]);
      expect(await store.sessions.listTurns(messages)).toEqual([
        { id: turn.turnId, state: "completed" },
      ]);
      const read = await store.sessions.readEvents({
        sessionId: turn.sessionId,
        after: 2,
        limit: 99,
      });
      expect(read).toMatchObject({
        kind: "events",
        isLast: true,
        events: [
          { seq: 3, epoch: owner.epoch, event: { kind: "text-delta", delta: " there" } },
          { seq: 4, event: { kind: "turn-completed" } },
        ],
      });
      expect(await store.sessions.find(turn.sessionId)).toMatchObject({
        headSeq: 4,
        headEpoch: owner.epoch,
      });
    });

    test("a run that lost its turn can write nothing more", async ({ expect }) => {
      await using store = await open();
      const turn = accepted(await store.turns.accept(acceptInput("m1")));
      const { turnId, sessionId } = turn;
      const lost = owner.epoch;
      const result = await store.turns.recover({ ...here(), turnIds: [turnId], nowMs: 3 });
      const { queued, epoch = 0 } = result;
      expect(queued).toEqual([{ turnId, sessionId, headSeq: 0 }]);
      expect(epoch).toBeGreaterThan(lost);
      const refused = { code: "TURN_FENCED" };
      await expect(store.turns.save(endInput(turn, lost, 1))).rejects.toMatchObject(refused);
      const next = { instanceId: HERE, epoch };
      const claimed = await store.turns.claim({ owner: next, limit: 9, nowMs: 4 });
      expect(claimed).toMatchObject([{ turnId, attempt: 2, headSeq: 0, text: "hello" }]);
      expect(await store.turns.claim({ owner: next, limit: 9, nowMs: 4 })).toEqual([]);
      await expect(store.turns.save(endInput(turn, lost, 1))).rejects.toMatchObject(refused);
      await store.turns.save(endInput(turn, epoch, 1));
      await expect(store.turns.save(endInput(turn, epoch, 5))).rejects.toMatchObject(refused);
    });

    test("one turn of a session runs at a time, the others wait in their order", async ({
      expect,
    }) => {
      await using store = await open();
      const first = accepted(await store.turns.accept(acceptInput("m1")));
      const { sessionId } = first;
      const session = { id: sessionId, isNew: false };
      const behind = [
        accepted(await store.turns.accept({ ...acceptInput("m2"), session })),
        accepted(await store.turns.accept({ ...acceptInput("m3"), session })),
      ];
      expect([first, ...behind].map(({ isBegun }) => isBegun)).toEqual([true, false, false]);
      const claim = () => store.turns.claim({ owner, limit: 9, sessionId, nowMs: 2 });
      expect(await claim()).toEqual([]);
      await store.turns.save(endInput(first, owner.epoch, 1));
      expect(await claim()).toMatchObject([{ turnId: behind[0]?.turnId, headSeq: 4, attempt: 1 }]);
      expect(await claim()).toEqual([]);
    });

    test("claim() by many at once gives each turn to one", async ({ expect }) => {
      await using store = await open();
      const turns = [];
      for (const name of ["m1", "m2", "m3", "m4", "m5", "m6"]) {
        turns.push(accepted(await store.turns.accept(acceptInput(name))));
      }
      await store.instances.leave(HERE);
      await store.turns.recover({ instanceId: THERE, nowMs: 2 });
      const { epoch } = await join(store, THERE);
      const claims = await Promise.all(
        [1, 2, 3, 4].map(() => {
          return store.turns.claim({ owner: { instanceId: THERE, epoch }, limit: 2, nowMs: 3 });
        }),
      );
      const claimed = claims.flat().map(({ turnId }) => turnId);
      expect(new Set(claimed).size).toBe(claimed.length);
      const rest = { owner: { instanceId: THERE, epoch }, limit: 9, nowMs: 3 };
      claimed.push(...(await store.turns.claim(rest)).map(({ turnId }) => turnId));
      expect(claimed.toSorted()).toEqual(turns.map(({ turnId }) => turnId));
    });

    test("accept() refuses an id that is not after the session's last one", async ({ expect }) => {
      await using store = await open();
      const early = acceptInput("m1");
      const late = acceptInput("m2");
      await store.turns.accept(late);
      const session = { id: late.session.id, isNew: false };
      expect(await store.turns.accept({ ...early, session })).toEqual({
        kind: "outdated-id",
        lastTurnId: late.turnId,
      });
      expect(await store.sessions.listMessages({ sessionId: session.id, limit: 9 })).toHaveLength(
        1,
      );
    });

    test("a turn that is cancelled while it waits is claimed as cancelled", async ({ expect }) => {
      await using store = await open();
      const first = accepted(await store.turns.accept(acceptInput("m1")));
      const session = { id: first.sessionId, isNew: false };
      const second = accepted(await store.turns.accept({ ...acceptInput("m2"), session }));
      await store.turns.cancel(second.turnId);
      await store.turns.save(endInput(first, owner.epoch, 1));
      const claimed = await store.turns.claim({ owner, limit: 1, nowMs: 2 });
      expect(claimed).toMatchObject([{ turnId: second.turnId, isCancelled: true }]);
      const renewed = await store.instances.renew({ instanceId: HERE, leaseMs: LONG_MS });
      expect(renewed).toEqual({ kind: "renewed", cancelled: [second.turnId] });
    });

    test("save() refuses events that leave a gap or come twice", async ({ expect }) => {
      await using store = await open();
      const turn = accepted(await store.turns.accept(acceptInput("m1")));
      await expect(store.turns.save(endInput(turn, owner.epoch, 2))).rejects.toMatchObject({
        code: "TURN_FENCED",
      });
      const { sessionId } = turn;
      expect(await store.sessions.listMessages({ sessionId, limit: 10 })).toHaveLength(1);
      expect(await store.sessions.listTurns([turn])).toMatchObject([{ state: "running" }]);
    });

    test("a write that fails takes none of its neighbours with it", async ({ expect }) => {
      await using store = await open();
      const turn = accepted(await store.turns.accept(acceptInput("m1")));
      const results = await Promise.allSettled([
        store.turns.accept(acceptInput("m2")),
        store.turns.save(endInput(turn, 9, 1)),
        store.turns.accept(acceptInput("m3")),
      ]);
      expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      await store.reopen();
      expect(await store.sessions.list({ userId: alice, limit: 10 })).toHaveLength(3);
    });

    test("recover() finds what a dead instance left, oldest first", async ({ expect }) => {
      await using store = await open();
      const first = accepted(await store.turns.accept(acceptInput("m1")));
      const session = { id: first.sessionId, isNew: false };
      const second = accepted(await store.turns.accept({ ...acceptInput("m2"), session }));
      const other = accepted(await store.turns.accept(acceptInput("m3")));
      await store.reopen();
      const { epoch } = await join(store, THERE);
      const next = { instanceId: THERE, epoch };
      // As long as its lease lasts nobody takes anything from it.
      expect(await store.turns.recover({ instanceId: THERE, nowMs: 3 })).toEqual({
        epoch: undefined,
        queued: [],
        over: [],
      });
      expect(await store.turns.claim({ owner: next, limit: 9, nowMs: 3 })).toEqual([]);
      await store.instances.renew({ instanceId: HERE, leaseMs: 0 });
      const { queued } = await store.turns.recover({ instanceId: THERE, nowMs: 3 });
      expect(queued.map(({ turnId }) => turnId)).toEqual([first.turnId, other.turnId]);
      const claimed = await store.turns.claim({ owner: next, limit: 9, nowMs: 3 });
      expect(claimed.map(({ turnId, attempt }) => [turnId, attempt])).toEqual([
        [first.turnId, 2],
        [other.turnId, 2],
      ]);
      await store.turns.save(endInput(first, epoch, 1));
      expect(await store.turns.claim({ owner: next, limit: 9, nowMs: 3 })).toMatchObject([
        { turnId: second.turnId, attempt: 1 },
      ]);
    });

    test("recover() says which of the turns asked for are not the instance's", async ({
      expect,
    }) => {
      await using store = await open();
      const ended = accepted(await store.turns.accept(acceptInput("m1")));
      const running = accepted(await store.turns.accept(acceptInput("m2")));
      await store.turns.save(endInput(ended, owner.epoch, 1));
      const turnIds = [ended.turnId, running.turnId];
      const { queued, over } = await store.turns.recover({ instanceId: THERE, turnIds, nowMs: 1 });
      expect(queued).toEqual([]);
      expect(over.map(({ turnId, headSeq }) => [turnId, headSeq])).toEqual([
        [ended.turnId, 4],
        [running.turnId, 0],
      ]);
    });

    test("recover() fails a turn visibly that has died too often", async ({ expect }) => {
      await using store = await open();
      const { turnId, sessionId } = accepted(await store.turns.accept(acceptInput("m1")));
      const recover = () => store.turns.recover({ ...here(), turnIds: [turnId], nowMs: 3 });
      for (let attempt = 1; attempt < MAX_TURN_ATTEMPTS; attempt++) {
        const { queued, epoch = 0 } = await recover();
        expect(queued).toHaveLength(1);
        await store.turns.claim({ owner: { ...here(), epoch }, limit: 1, nowMs: 2 });
      }
      const { queued, over } = await recover();
      expect({ queued, over }).toEqual({
        queued: [],
        over: [{ turnId, sessionId, headSeq: 1 }],
      });
      const read = await store.sessions.readEvents({ sessionId, after: 0, limit: 9 });
      expect(read).toMatchObject({ events: [{ seq: 1, event: { kind: "turn-failed" } }] });
      expect(await store.sessions.listTurns([{ turnId }])).toMatchObject([
        { state: "failed", failure: { code: "TURN_CRASHED" } },
      ]);
    });
  });

  describe(`InstanceRegistry ${name}`, () => {
    test("a lease that has ended cannot be renewed", async ({ expect }) => {
      await using store = await open();
      const { epoch } = await join(store, THERE);
      expect(epoch).toBeGreaterThan(owner.epoch);
      const renew = (leaseMs: number) => store.instances.renew({ instanceId: THERE, leaseMs });
      expect(await renew(0)).toEqual({ kind: "renewed", cancelled: [] });
      expect(await renew(LONG_MS)).toEqual({ kind: "lost" });
      await store.instances.leave(HERE);
      const mine = { instanceId: HERE, leaseMs: LONG_MS };
      expect(await store.instances.renew(mine)).toEqual({ kind: "lost" });
    });

    test("an instance that is alone ends every other's lease", async ({ expect }) => {
      await using store = await open();
      const turn = accepted(await store.turns.accept(acceptInput("m1")));
      expect(await store.instances.listRunning(HERE)).toEqual([turn.turnId]);
      await store.instances.join({ instanceId: THERE, leaseMs: LONG_MS, isAlone: true });
      const { queued } = await store.turns.recover({ instanceId: THERE, nowMs: 1 });
      expect(queued.map(({ turnId }) => turnId)).toEqual([turn.turnId]);
      expect(await store.instances.listRunning(HERE)).toEqual([]);
    });
  });

  describe(`SessionRepository ${name}`, () => {
    test("readEvents() knows a position that another run's events took", async ({ expect }) => {
      await using store = await open();
      const turn = accepted(await store.turns.accept(acceptInput("m1")));
      const { epoch: own } = owner;
      await store.turns.save(endInput(turn, own, 1));
      const read = (after: number, epoch?: number) =>
        store.sessions.readEvents({
          sessionId: turn.sessionId,
          after,
          limit: 9,
          ...(epoch === undefined ? {} : { epoch }),
        });
      expect((await read(2, own)).kind).toBe("events");
      expect((await read(2)).kind).toBe("events");
      for (const other of [own - 1, own + 1]) {
        expect(await read(2, other)).toEqual({
          kind: "unknown-position",
          headSeq: 4,
          headEpoch: own,
        });
      }
      expect((await read(5, own)).kind).toBe("unknown-position");
      expect(await read(4, own)).toMatchObject({ kind: "events", events: [], isLast: true });
    });

    test("listHeads() tells how far sessions are, and which run is on its way", async ({
      expect,
    }) => {
      await using store = await open();
      const [ended, running, queued] = [
        accepted(await store.turns.accept(acceptInput("m1"))),
        accepted(await store.turns.accept(acceptInput("m2"))),
        accepted(await store.turns.accept(acceptInput("m3"))),
      ];
      await store.turns.save(endInput(ended, owner.epoch, 1));
      await store.turns.recover({ ...here(), turnIds: [queued.turnId], nowMs: 3 });
      const unknown = parseSessionId("nowhere");
      const sessionIds = [ended, running, queued].map(({ sessionId }) => sessionId);
      const heads = await store.sessions.listHeads([...sessionIds, unknown]);
      const bySession = new Map(heads.map((head) => [head.sessionId, head]));
      const { epoch } = owner;
      expect(sessionIds.map((sessionId) => bySession.get(sessionId))).toEqual([
        { sessionId: ended.sessionId, headSeq: 4, headEpoch: epoch },
        { sessionId: running.sessionId, headSeq: 0, headEpoch: 0, runEpoch: epoch },
        { sessionId: queued.sessionId, headSeq: 0, headEpoch: 0 },
      ]);
      expect(heads).toHaveLength(3);
      expect(await store.sessions.listHeads([])).toEqual([]);
    });

    test("readConversation() gives all of one moment, while turns go on", async ({ expect }) => {
      await using store = await open();
      const first = accepted(await store.turns.accept(acceptInput("m1")));
      const { sessionId } = first;
      await store.turns.save(endInput(first, owner.epoch, 1));
      const read = () => store.sessions.readConversation({ sessionId, limit: 200 });
      const reads = [read()];
      const session = { id: sessionId, isNew: false };
      for (let turn = 1; turn <= 20; turn++) {
        const next = accepted(
          await store.turns.accept({ ...acceptInput(`again ${turn}`), session }),
        );
        reads.push(read());
        await store.turns.save(endInput(next, owner.epoch, 4 * turn + 1));
        reads.push(read());
      }
      for (const stored of await Promise.all(reads)) {
        const { messages = [], turns = [] } = stored ?? {};
        const answered = messages.filter(({ role }) => role === "assistant").length;
        expect(turns.filter(({ state }) => state === "completed")).toHaveLength(answered);
        expect(stored?.session.headSeq).toBe(4 * answered);
        expect(new Set(messages.map(({ turnId }) => turnId)).size).toBe(turns.length);
      }
      const [latest] = (await store.sessions.listMessages({ sessionId, limit: 1 })).slice(-1);
      const before = latest?.id ?? expect.fail();
      const page = await store.sessions.readConversation({ sessionId, limit: 3, before });
      expect(page?.messages).toHaveLength(3);
      const nowhere = parseSessionId("nowhere");
      expect(await store.sessions.readConversation({ sessionId: nowhere, limit: 9 })).toBe(
        undefined,
      );
    });

    test("list() gives the latest first, a page at a time", async ({ expect }) => {
      await using store = await open();
      for (const at of [1, 2, 3]) {
        await store.turns.accept({ ...acceptInput(`m${at}`), text: `at ${at}`, nowMs: at });
      }
      const page = await store.sessions.list({ userId: alice, limit: 2 });
      const before = page[1];
      const rest = await store.sessions.list({ userId: alice, limit: 2, before });
      expect([page, rest].map((sessions) => sessions.map(({ title }) => title))).toEqual([
        ["at 3", "at 2"],
        ["at 1"],
      ]);
      expect(await store.sessions.list({ userId: bob, limit: 2 })).toEqual([]);
    });

    test("list() loses none of those changed in one moment", async ({ expect }) => {
      await using store = await open();
      for (let at = 0; at < 7; at += 1) {
        await store.turns.accept({ ...acceptInput(`m${at}`), nowMs: at < 5 ? 3 : 4 });
      }
      const whole = await store.sessions.list({ userId: alice, limit: 9 });
      const paged = [];
      for (let before = whole[0]; before !== undefined; before = paged.at(-1)) {
        if (paged.length === 0) paged.push(before);
        const page = await store.sessions.list({ userId: alice, limit: 2, before });
        if (page.length === 0) break;
        paged.push(...page);
      }
      expect(paged).toEqual(whole);
      expect(new Set(paged.map(({ id }) => id)).size).toBe(7);
    });

    test("listMessages() pages back in the order of the conversation", async ({ expect }) => {
      await using store = await open();
      const turn = accepted(await store.turns.accept(acceptInput("m1")));
      const { sessionId } = turn;
      const session = { id: sessionId, isNew: false };
      // The second message comes while the first turn is unanswered; it belongs after the answer.
      await store.turns.accept({ ...acceptInput("m2"), text: "again", session });
      await store.turns.save(endInput(turn, owner.epoch, 1));
      const last = await store.sessions.listMessages({ sessionId, limit: 2 });
      expect(last.map(({ role }) => role)).toEqual(["assistant", "user"]);
      const before = (last[0] as { id: MessageId }).id;
      const earlier = await store.sessions.listMessages({ sessionId, limit: 2, before });
      expect(earlier.map(({ role, parts }) => [role, parts])).toEqual([
        ["user", [{ kind: "text", text: "hello" }]],
      ]);
    });

    test("delete() removes all there is, but not under a running turn", async ({ expect }) => {
      await using store = await open();
      const turn = accepted(await store.turns.accept(acceptInput("m1")));
      const { sessionId } = turn;
      expect(await store.sessions.delete(sessionId)).toBe("busy");
      await store.turns.save(endInput(turn, owner.epoch, 1));
      expect(await store.sessions.delete(sessionId)).toBe("deleted");
      expect(await store.sessions.delete(sessionId)).toBe("not-found");
      expect(await store.sessions.listMessages({ sessionId, limit: 9 })).toEqual([]);
      expect(accepted(await store.turns.accept(acceptInput("m1"))).duplicate).toBe(false);
    });
  });
}

function here() {
  return { instanceId: HERE };
}

function join(store: StoreUnderTest, instanceId: InstanceId) {
  return store.instances.join({ instanceId, leaseMs: LONG_MS, isAlone: false });
}

let ids = 0;
const nextId = () => `id${String(ids++).padStart(8, "0")}`;

function acceptInput(clientMessageId: string, userId: UserId = alice): AcceptTurn {
  return {
    turnId: parseTurnId(nextId()),
    userId,
    clientMessageId,
    messageId: parseMessageId(nextId()),
    text: "hello",
    session: { id: parseSessionId(nextId()), isNew: true },
    owner,
    nowMs: 1,
  };
}

function accepted(result: Awaited<ReturnType<TurnLog["accept"]>>) {
  if (result.kind !== "accepted") throw new Error(`Expected "accepted", found "${result.kind}"`);
  return result;
}

function endInput(
  { turnId, sessionId }: { readonly turnId: TurnId; readonly sessionId: SessionId },
  epoch: number,
  firstSeq: number,
): SaveTurn {
  const messageId = parseMessageId(nextId());
  const events: NumberedEvent["event"][] = [
    { kind: "text-started", messageId },
    { kind: "text-delta", messageId, delta: "Hi" },
    { kind: "text-delta", messageId, delta: " there" },
    { kind: "turn-completed" },
  ];
  const parts = [{ kind: "text", text: "Hi there" }] as const;
  const state = {
    kind: "completed",
    endedAtMs: 3,
    output: { n: 1 },
    usage: { wallMs: 0.5, cpuMs: 0.25, memoryMiB: 1.5, outputBytes: 7 },
  } as const;
  return {
    turnId,
    sessionId,
    epoch,
    messages: [
      {
        position: 1,
        message: {
          id: messageId,
          sessionId,
          turnId,
          role: "assistant",
          parts,
          isComplete: true,
          createdAtMs: 3,
        },
      },
    ],
    tasks: [
      {
        id: parseTaskId(nextId()),
        userId: alice,
        origin: { kind: "turn", sessionId, turnId, toolCallId: parseToolCallId(nextId()) },
        skill: "calculator",
        tool: "evaluate",
        skillDigest: "d",
        policyHash: "p",
        input: {},
        state,
        createdAtMs: 2,
      },
    ],
    events: events.map((event, index) => ({ seq: firstSeq + index, event })),
    end: { kind: "completed", endedAtMs: 3 },
    nowMs: 3,
  };
}
