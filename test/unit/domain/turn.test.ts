import { test } from "vitest";
import { parseMessageId, parseSessionId, parseTurnId, parseUserId } from "#domain/shared/id.ts";
import { beginTurn, endTurn, isFinal, recoverTurn, type Turn } from "#domain/turn/turn.ts";

const queued: Turn = {
  id: parseTurnId("t"),
  sessionId: parseSessionId("s"),
  userId: parseUserId("u"),
  userMessageId: parseMessageId("m"),
  state: { kind: "queued" },
  attempts: 0,
  epoch: 0,
  createdAtMs: 1,
};

test("a turn is begun, counted and completed", ({ expect }) => {
  const running = beginTurn(queued, 7, 10);
  expect(running).toMatchObject({ attempts: 1, epoch: 7, state: { kind: "running" } });
  const completed = endTurn(running, { kind: "completed", endedAtMs: 20 });
  expect(isFinal(completed.state)).toBe(true);
});

test("a turn cannot be begun twice nor completed unbegun", ({ expect }) => {
  expect(() => beginTurn(beginTurn(queued, 1, 1), 1, 1)).toThrow(/is "running", expected queued/u);
  expect(() => endTurn(queued, { kind: "completed", endedAtMs: 1 })).toThrow(/expected running/u);
});

test("recoverTurn() queues a turn again twice and then fails it visibly", ({ expect }) => {
  const first = recoverTurn(beginTurn(queued, 1, 1), 2);
  const second = recoverTurn(beginTurn(first, 2, 3), 4);
  const third = recoverTurn(beginTurn(second, 3, 5), 6);
  expect([first, second, third].map(({ state }) => state.kind)).toEqual([
    "queued",
    "queued",
    "failed",
  ]);
  expect(third.state).toMatchObject({ failure: { code: "TURN_CRASHED" } });
});
