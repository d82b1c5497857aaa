import { test } from "vitest";
import { createInterruptTurn } from "#application/accept-message/interrupt-turn.ts";
import type { SessionId, TurnId } from "#domain/shared/id.ts";
import { createTurnReader } from "#infrastructure/store/repositories.ts";
import { approvalOf } from "../../../support/approvals.ts";
import { ADA, openTurnStore } from "../../../support/turn-store.ts";

async function openInterrupt() {
  const store = await openTurnStore();
  const stopped: TurnId[] = [];
  const queued: SessionId[] = [];
  const interrupt = createInterruptTurn({
    turns: store.turns,
    reader: createTurnReader(store.callers.reader),
    stopRun: (turnId) => void stopped.push(turnId),
    turnQueued: (sessionId) => void queued.push(sessionId),
  });
  return { store, stopped, queued, interrupt, [Symbol.asyncDispose]: store[Symbol.asyncDispose] };
}

test("interruptTurn() cancels what runs, and none of those that wait", async ({ expect }) => {
  await using opened = await openInterrupt();
  const { store } = opened;
  const running = await store.accept();
  const { sessionId } = running;
  for (let at = 0; at < 25; at++) await store.accept({ sessionId });
  const last = await store.accept({ sessionId });
  await opened.interrupt(last);
  expect(opened.stopped).toEqual([running.turnId]);
  expect(store.reader.findTurn(running.turnId)?.isCancelled).toBe(true);
  const turns = store.reader.listTurnsOfSession({ sessionId, limit: 99 });
  expect(turns.filter(({ isCancelled }) => isCancelled)).toHaveLength(1);
});

test("interruptTurn() stops nothing where nothing runs", async ({ expect }) => {
  await using opened = await openInterrupt();
  const first = await opened.store.accept();
  const end = { kind: "completed", endedAtMs: 1 } as const;
  const { turnId, sessionId } = first;
  const { epoch } = opened.store.owner;
  await opened.store.turns.save({
    turnId,
    sessionId,
    epoch,
    messages: [],
    tasks: [],
    events: [],
    end,
    nowMs: 1,
  });
  await opened.interrupt(await opened.store.accept({ sessionId }));
  expect(opened.stopped).toEqual([]);
});

test("interruptTurn() has a turn that waits for people claimed, to end it", async ({ expect }) => {
  await using opened = await openInterrupt();
  const { turnId, sessionId } = await opened.store.accept();
  const { epoch } = opened.store.owner;
  const write = { turnId, sessionId, epoch, messages: [], tasks: [], events: [], nowMs: 1 };
  const approval = { ...approvalOf("a1"), turnId, sessionId, userId: ADA };
  await opened.store.turns.save({ ...write, pause: { sinceMs: 1 }, approvals: [approval] });
  expect(opened.store.stateOf(turnId)).toBe("waiting");
  await opened.interrupt(await opened.store.accept({ sessionId }));
  expect(opened.queued).toEqual([sessionId]);
  expect(opened.store.stateOf(turnId)).toBe("queued");
});

test("interruptTurn() cancels a turn that was begun and that no run has just now", async ({
  expect,
}) => {
  await using opened = await openInterrupt();
  const { store } = opened;
  const { turnId, sessionId } = await store.accept();
  const next = await store.accept({ sessionId });
  const { instanceId } = store.owner;
  await store.turns.recover({ instanceId, turnIds: [turnId], nowMs: 2 });
  expect(store.stateOf(turnId)).toBe("queued");
  await opened.interrupt(next);
  expect(store.reader.findTurn(turnId)?.isCancelled).toBe(true);
  expect(store.reader.findTurn(next.turnId)?.isCancelled).toBe(false);
  expect(opened.stopped).toEqual([turnId]);
});
