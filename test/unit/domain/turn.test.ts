import { test } from "vitest";
import { parseMessageId, parseSessionId, parseTurnId, parseUserId } from "#domain/shared/id.ts";
import {
  beginTurn,
  endTurn,
  isFinal,
  MAX_TURN_ATTEMPTS,
  recoverTurn,
  type Turn,
} from "#domain/turn/turn.ts";

const queued: Turn = {
  id: parseTurnId("t"),
  sessionId: parseSessionId("s"),
  userId: parseUserId("u"),
  userMessageId: parseMessageId("m"),
  state: { kind: "queued" },
  attempts: 0,
  epoch: 0,
  isCancelled: false,
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

test("recoverTurn() queues a turn again until it was begun too often, then fails it", ({
  expect,
}) => {
  let turn = queued;
  for (let attempt = 1; attempt < MAX_TURN_ATTEMPTS; attempt++) {
    turn = recoverTurn(beginTurn(turn, attempt, 1), 2);
    expect(turn.state.kind).toBe("queued");
  }
  const last = recoverTurn(beginTurn(turn, MAX_TURN_ATTEMPTS, 1), 2);
  expect(last.state).toMatchObject({ kind: "failed", failure: { code: "TURN_CRASHED" } });
});
