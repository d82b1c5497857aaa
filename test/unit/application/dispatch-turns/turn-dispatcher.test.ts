import { describe, test } from "vitest";
import { TurnDispatcher, type TurnLimits } from "#application/dispatch-turns/turn-dispatcher.ts";
import type { Logger } from "#application/ports/logger.ts";
import type { Admission, RunResult, TurnDispatch } from "#application/ports/turn-runner.ts";
import { parseInstanceId, type SessionId, type TurnId, type UserId } from "#domain/shared/id.ts";
import { MAX_TURN_ATTEMPTS } from "#domain/turn/turn.ts";
import { newId } from "#infrastructure/ids/ids.ts";
import { approvalOf } from "../../../support/approvals.ts";
import { ADA, BOB, openTurnStore, type TurnStore } from "../../../support/turn-store.ts";

const silent: Logger = { error() {}, warn() {}, info() {}, debug() {} };
const nowMs = () => 1;

const SHARED = { isShared: true, leaseMs: 60_000 };
const THERE = { instanceId: parseInstanceId("there") };

/** A run that waits for the test to say how it comes out. */
interface HeldRun {
  readonly dispatch: TurnDispatch;
  end(): Promise<void>;
  /** Stores that the turn waits for a person. */
  pause(): Promise<void>;
  /** Says so. */
  settlePaused(): void;
  /** Says that it ended, which the store knows already. */
  settle(headSeq: number): void;
  die(): void;
  fence(): void;
}

/** Runs as agent threads make them: begun in the store, ended there, in the test's own time. */
function createRunner(store: TurnStore) {
  const runs: HeldRun[] = [];
  const cancelled: TurnId[] = [];
  const abandoned: TurnId[] = [];
  return {
    runs,
    cancelled,
    abandoned,
    abandon: (turnId: TurnId) => void abandoned.push(turnId),
    cancel: (turnId: TurnId) => void cancelled.push(turnId),
    run: async (dispatch: TurnDispatch): Promise<RunResult> => {
      const { turnId, sessionId, epoch, headSeq } = dispatch;
      const result = Promise.withResolvers<RunResult>();
      runs.push({
        dispatch,
        end: async () => {
          const events = [{ seq: headSeq + 1, event: { kind: "turn-completed" } as const }];
          const end = { kind: "completed", endedAtMs: 1 } as const;
          const owner = { turnId, sessionId, epoch, nowMs: 1 };
          await store.turns.save({ ...owner, messages: [], tasks: [], events, end });
          result.resolve({ kind: "ended", headSeq: headSeq + 1 });
        },
        pause: async () => {
          const asked = approvalOf("a1", { turnId, sessionId, userId: ADA });
          const owner = { turnId, sessionId, epoch, nowMs: 1 };
          const nothing = { messages: [], tasks: [], events: [] };
          const pause = { sinceMs: 1 };
          await store.turns.save({ ...owner, ...nothing, pause, approvals: [asked] });
        },
        settlePaused: () => result.resolve({ kind: "paused", headSeq }),
        settle: (seq) => result.resolve({ kind: "ended", headSeq: seq }),
        die: () => result.reject(new Error("The thread died")),
        fence: () => result.resolve({ kind: "fenced" }),
      });
      return result.promise;
    },
  };
}

async function openDispatcher(
  limits: Partial<TurnLimits> = {},
  lease = { isShared: false, leaseMs: 60_000 },
) {
  const store = await openTurnStore();
  const runner = createRunner(store);
  const lost: SessionId[] = [];
  const announced: SessionId[] = [];
  const create = () =>
    new TurnDispatcher({
      turns: store.turns,
      instances: store.instances,
      runner,
      onRunLost: (sessionId) => lost.push(sessionId),
      announceQueued: (sessionId) => announced.push(sessionId),
      newInstanceId: () => parseInstanceId(newId()),
      lease,
      nowMs,
      log: silent,
      limits: { maxTurns: 100, maxTurnsPerUser: 100, ...limits },
    });
  const dispatcher = create();
  await dispatcher.start();
  /** Accepts and dispatches a turn as `acceptMessage` does. */
  const send = async (sessionId?: SessionId) => {
    const admission = admit(dispatcher, ADA);
    const turn = await store.accept({ sessionId, owner: admission.owner });
    admission.dispatch(turn, turn.isBegun);
    return turn;
  };
  return {
    store,
    runner,
    lost,
    announced,
    create,
    dispatcher,
    send,
    [Symbol.asyncDispose]: store[Symbol.asyncDispose],
  };
}

function admit(dispatcher: TurnDispatcher, userId: UserId): Admission {
  const admission = dispatcher.admit(userId);
  if ("retryAfterMs" in admission) throw new Error("Expected room for a turn");
  return admission;
}

describe("TurnDispatcher", () => {
  test("turns of one session run in order, each after the last one's events", async ({
    expect,
  }) => {
    await using opened = await openDispatcher();
    const { runner, send, dispatcher } = opened;
    const first = await send();
    const second = await send(first.sessionId);
    const third = await send(first.sessionId);
    for (const [index, { turnId }] of [first, second, third].entries()) {
      await expect.poll(() => runner.runs.length).toBe(index + 1);
      expect(runner.runs[index]?.dispatch).toMatchObject({ turnId, headSeq: index, attempt: 1 });
      await runner.runs[index]?.end();
    }
    await expect.poll(() => dispatcher.inFlight).toBe(0);
  });

  test("sessions run side by side", async ({ expect }) => {
    await using opened = await openDispatcher();
    await Promise.all([opened.send(), opened.send(), opened.send()]);
    await expect.poll(() => opened.runner.runs.length).toBe(3);
  });

  test("admit() refuses what is too much for one user and what is too much in all", async ({
    expect,
  }) => {
    await using opened = await openDispatcher({ maxTurns: 3, maxTurnsPerUser: 2 });
    const { dispatcher } = opened;
    const first = admit(dispatcher, ADA);
    admit(dispatcher, ADA);
    expect(dispatcher.admit(ADA)).toEqual({ retryAfterMs: 1_000 });
    admit(dispatcher, BOB);
    expect(dispatcher.admit(BOB)).toEqual({ retryAfterMs: 1_000 });
    first.release();
    admit(dispatcher, BOB);
    expect(dispatcher.admit(ADA)).toEqual({ retryAfterMs: 1_000 });
    expect(dispatcher.inFlight).toBe(3);
  });

  test("a turn that waits for a person takes no room, and holds those behind it", async ({
    expect,
  }) => {
    await using opened = await openDispatcher();
    const { dispatcher, runner, store, send } = opened;
    const first = await send();
    const second = await send(first.sessionId);
    await runner.runs[0]?.pause();
    runner.runs[0]?.settlePaused();
    await expect.poll(() => dispatcher.inFlight).toBe(0);
    expect(runner.runs).toHaveLength(1);
    await store.turns.cancel(first.turnId);
    dispatcher.wake(first.sessionId);
    await expect.poll(() => runner.runs.length).toBe(2);
    expect(runner.runs[1]?.dispatch).toMatchObject({ turnId: first.turnId, isCancelled: true });
    await runner.runs[1]?.end();
    await expect.poll(() => runner.runs[2]?.dispatch.turnId).toBe(second.turnId);
  });

  test("a decision that comes before the run has said that it waits is not missed", async ({
    expect,
  }) => {
    await using opened = await openDispatcher();
    const { dispatcher, runner, store, send } = opened;
    const { turnId, sessionId } = await send();
    await runner.runs[0]?.pause();
    await store.turns.cancel(turnId);
    dispatcher.wake(sessionId);
    expect(runner.runs).toHaveLength(1);
    runner.runs[0]?.settlePaused();
    await expect.poll(() => runner.runs[1]?.dispatch).toMatchObject({ turnId, attempt: 2 });
  });

  test("wake() runs what waits in a session of which nothing runs here", async ({ expect }) => {
    await using opened = await openDispatcher();
    const { dispatcher, runner, store, announced } = opened;
    const { owner } = admit(dispatcher, ADA);
    const first = await store.accept({ owner });
    const { sessionId } = first;
    const second = await store.accept({ sessionId, owner });
    dispatcher.wake(sessionId);
    const end = { kind: "completed", endedAtMs: 1 } as const;
    const nothing = { messages: [], tasks: [], events: [] };
    const run = { turnId: first.turnId, sessionId, epoch: owner.epoch, nowMs: 1 };
    await store.turns.save({ ...run, ...nothing, end });
    expect(runner.runs).toEqual([]);
    dispatcher.wake(sessionId);
    await expect.poll(() => runner.runs.length).toBe(1);
    expect(runner.runs[0]?.dispatch).toMatchObject({ turnId: second.turnId });
    expect(announced).toEqual([sessionId, sessionId]);
    await runner.runs[0]?.end();
    // The first admission was never used.
    await expect.poll(() => dispatcher.inFlight).toBe(1);
  });

  test("a turn that ended makes room for another", async ({ expect }) => {
    await using opened = await openDispatcher({ maxTurns: 1 });
    const { dispatcher, runner, send } = opened;
    await send();
    expect(dispatcher.admit(BOB)).toEqual({ retryAfterMs: 1_000 });
    await expect.poll(() => runner.runs.length).toBe(1);
    await runner.runs[0]?.end();
    await expect.poll(() => "owner" in dispatcher.admit(BOB)).toBe(true);
  });

  test("cancel() stops what runs, and what waits when its time has come", async ({ expect }) => {
    await using opened = await openDispatcher();
    const { dispatcher, runner, send } = opened;
    const first = await send();
    const second = await send(first.sessionId);
    await expect.poll(() => runner.runs.length).toBe(1);
    dispatcher.cancel(second.turnId);
    expect(runner.cancelled).toEqual([]);
    dispatcher.cancel(first.turnId);
    expect(runner.cancelled).toEqual([first.turnId]);
    await runner.runs[0]?.end();
    await expect.poll(() => runner.runs[1]?.dispatch.isCancelled).toBe(true);
    await runner.runs[1]?.end();
    await expect.poll(() => dispatcher.inFlight).toBe(0);
  });

  test.for(["die", "fence"] as const)(
    "a run that is gone (%s) is made again under a new epoch, and its followers are told",
    async (way, { expect }) => {
      await using opened = await openDispatcher();
      const { runner, lost, send, store } = opened;
      const turn = await send();
      const other = await send();
      await expect.poll(() => runner.runs.length).toBe(2);
      const before = runner.runs[0]?.dispatch.epoch ?? 0;
      runner.runs[0]?.[way]();
      await expect.poll(() => runner.runs.length).toBe(3);
      expect(runner.runs[2]?.dispatch).toMatchObject({ turnId: turn.turnId, attempt: 2 });
      expect(runner.runs[2]?.dispatch.epoch).toBeGreaterThan(before);
      expect(lost).toEqual([turn.sessionId]);
      // The other one still owns its turn.
      await runner.runs[1]?.end();
      expect(store.stateOf(other.turnId)).toBe("completed");
    },
  );

  test("a turn whose runs all die fails visibly, and the session goes on", async ({ expect }) => {
    await using opened = await openDispatcher();
    const { runner, send, store, dispatcher } = opened;
    const turn = await send();
    const next = await send(turn.sessionId);
    for (let attempt = 0; attempt < MAX_TURN_ATTEMPTS; attempt++) {
      await expect.poll(() => runner.runs.length).toBe(attempt + 1);
      runner.runs[attempt]?.die();
    }
    await expect.poll(() => store.stateOf(turn.turnId)).toBe("failed");
    await expect.poll(() => runner.runs.length).toBe(MAX_TURN_ATTEMPTS + 1);
    expect(runner.runs.at(-1)?.dispatch).toMatchObject({ turnId: next.turnId, headSeq: 1 });
    await runner.runs.at(-1)?.end();
    await expect.poll(() => dispatcher.inFlight).toBe(0);
  });

  test("a run that died while the store is gone is made again when it is back", async ({
    expect,
  }) => {
    await using opened = await openDispatcher();
    const { runner, send, store } = opened;
    await send();
    await expect.poll(() => runner.runs.length).toBe(1);
    store.breakWrites(true);
    runner.runs[0]?.die();
    store.breakWrites(false);
    await expect.poll(() => runner.runs.length).toBe(2);
  });

  test("drain() waits for what runs, begins nothing, and leaves the rest to the next start", async ({
    expect,
  }) => {
    await using opened = await openDispatcher();
    const { runner, send, dispatcher, create, store } = opened;
    const first = await send();
    const second = await send(first.sessionId);
    await expect.poll(() => runner.runs.length).toBe(1);
    const admitted = admit(dispatcher, ADA);
    const drained = dispatcher.drain();
    expect(dispatcher.admit(ADA)).toEqual({ retryAfterMs: 1_000 });
    const late = await store.accept({ owner: admitted.owner });
    admitted.dispatch(late, false);
    await runner.runs[0]?.end();
    await drained;
    expect(runner.runs).toHaveLength(1);
    await create().start();
    await expect.poll(() => runner.runs.length).toBe(3);
    expect(runner.runs.slice(1).map(({ dispatch }) => dispatch.turnId)).toEqual([
      second.turnId,
      late.turnId,
    ]);
  });

  test("start() tells the followers of turns that it finds to have failed", async ({ expect }) => {
    await using opened = await openDispatcher();
    const { store, create, lost } = opened;
    const turn = await store.accept();
    const turnIds = [turn.turnId];
    const { instanceId } = store.owner;
    for (let attempt = 1; attempt < MAX_TURN_ATTEMPTS; attempt++) {
      const { epoch = 0 } = await store.turns.recover({ instanceId, turnIds, nowMs: 1 });
      await store.turns.claim({ owner: { instanceId, epoch }, limit: 1, nowMs: 1 });
    }
    await create().start();
    expect(store.stateOf(turn.turnId)).toBe("failed");
    expect(lost).toEqual([turn.sessionId]);
  });

  test("a turn behind one that another instance runs is announced and left to it", async ({
    expect,
  }) => {
    await using opened = await openDispatcher({}, SHARED);
    const { store, send, announced, runner, dispatcher } = opened;
    const elsewhere = await store.instances.join({ ...THERE, leaseMs: 60_000, isAlone: false });
    const owner = { ...THERE, ...elsewhere };
    const first = await store.accept({ owner });
    const second = await send(first.sessionId);
    expect(second.isBegun).toBe(false);
    expect(announced).toEqual([first.sessionId]);
    expect(dispatcher.inFlight).toBe(0);
    expect(runner.runs).toEqual([]);
  });

  test("turns of an instance whose lease has ended are taken over", async ({ expect }) => {
    await using opened = await openDispatcher({}, SHARED);
    const { store, runner, lost, dispatcher } = opened;
    const elsewhere = await store.instances.join({ ...THERE, leaseMs: 0, isAlone: false });
    const turn = await store.accept({ owner: { ...THERE, ...elsewhere } });
    dispatcher.catchUp();
    await expect.poll(() => runner.runs.length).toBe(1);
    expect(runner.runs[0]?.dispatch).toMatchObject({ turnId: turn.turnId, attempt: 2 });
    expect(lost).toEqual([turn.sessionId]);
  });

  test("a lost lease stops what runs and refuses more, a new one takes it up again", async ({
    expect,
  }) => {
    await using opened = await openDispatcher({}, { isShared: true, leaseMs: 3_000 });
    const { store, runner, send, dispatcher } = opened;
    const turn = await send();
    await expect.poll(() => runner.runs.length).toBe(1);
    store.breakWrites(true);
    await expect.poll(() => dispatcher.trouble, { timeout: 15_000 }).toBe("no lease on the store");
    expect(runner.abandoned).toEqual([turn.turnId]);
    expect(dispatcher.admit(ADA)).toEqual({ retryAfterMs: 1_000 });
    runner.runs[0]?.fence();
    store.breakWrites(false);
    await expect.poll(() => runner.runs.length, { timeout: 15_000 }).toBe(2);
    expect(runner.runs[1]?.dispatch).toMatchObject({ turnId: turn.turnId, attempt: 2 });
  });

  test("a turn that was accepted under a lease lost meanwhile is not run under it", async ({
    expect,
  }) => {
    await using opened = await openDispatcher({}, { isShared: true, leaseMs: 3_000 });
    const { store, runner, dispatcher } = opened;
    const admission = admit(dispatcher, ADA);
    const turn = await store.accept({ owner: admission.owner });
    store.breakWrites(true);
    await expect.poll(() => dispatcher.trouble, { timeout: 15_000 }).toContain("lease");
    admission.dispatch(turn, true);
    expect([runner.runs, dispatcher.inFlight]).toEqual([[], 0]);
    store.breakWrites(false);
    // It is an orphan of the lost lease, and taken up as such.
    await expect.poll(() => runner.runs.length, { timeout: 15_000 }).toBe(1);
    expect(runner.runs[0]?.dispatch).toMatchObject({ turnId: turn.turnId, attempt: 2 });
  });

  test("a turn that begins before the one before it is known to have ended is not lost of sight", async ({
    expect,
  }) => {
    await using opened = await openDispatcher();
    const { store, runner, send, dispatcher } = opened;
    const first = await send();
    await expect.poll(() => runner.runs.length).toBe(1);
    const { headSeq, epoch, sessionId } = runner.runs[0]?.dispatch ?? { ...first, epoch: 0 };
    // The store has its end, and nobody here has heard of that yet.
    await store.turns.save({
      turnId: first.turnId,
      sessionId,
      epoch,
      messages: [],
      tasks: [],
      events: [{ seq: headSeq + 1, event: { kind: "turn-completed" } }],
      end: { kind: "completed", endedAtMs: 1 },
      nowMs: 1,
    });
    const second = await send(sessionId);
    expect(second.isBegun).toBe(true);
    runner.runs[0]?.settle(headSeq + 1);
    await expect.poll(() => dispatcher.inFlight).toBe(1);
    dispatcher.cancel(second.turnId);
    expect(runner.cancelled).toEqual([second.turnId]);
    const third = await send(sessionId);
    await runner.runs[1]?.end();
    await expect.poll(() => runner.runs[2]?.dispatch.turnId).toBe(third.turnId);
    await runner.runs[2]?.end();
    await expect.poll(() => dispatcher.inFlight).toBe(0);
  });
});
