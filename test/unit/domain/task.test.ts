import { test } from "vitest";
import {
  parseScheduleId,
  parseSessionId,
  parseTaskId,
  parseToolCallId,
  parseTurnId,
  parseUserId,
} from "#domain/shared/id.ts";
import {
  beginTask,
  endTask,
  failTask,
  isFinalTask,
  NO_USAGE,
  type Task,
} from "#domain/task/task.ts";

const pending: Task = {
  id: parseTaskId("t"),
  userId: parseUserId("u"),
  origin: { kind: "schedule", scheduleId: parseScheduleId("s") },
  skill: "calculator",
  tool: "evaluate",
  skillDigest: "d",
  policyHash: "p",
  input: {},
  state: { kind: "pending" },
  createdAtMs: 1,
};
const completed = { kind: "completed", endedAtMs: 3, output: 4, usage: NO_USAGE } as const;
const failure = { code: "crashed", message: "It crashed" };

test("a task is pending, runs and completes", ({ expect }) => {
  const running = beginTask(pending, 2);
  expect(running.state).toEqual({ kind: "running", startedAtMs: 2 });
  expect(isFinalTask(running.state)).toBe(false);
  expect(isFinalTask(endTask(running, completed).state)).toBe(true);
});

test("a task can neither be begun nor ended twice", ({ expect }) => {
  const running = beginTask(pending, 2);
  expect(() => beginTask(running, 3)).toThrow(/it is "running", expected pending/u);
  expect(() => endTask(endTask(running, completed), completed)).toThrow(/expected running/u);
});

test("a task that never ran can fail or be cancelled, not complete or time out", ({ expect }) => {
  expect(failTask(pending, failure, 2).state).toMatchObject({ kind: "failed", failure });
  expect(() => endTask(pending, completed)).toThrow(/it is "pending", expected running/u);
  const late = { kind: "timed-out", endedAtMs: 3, failure, usage: NO_USAGE } as const;
  expect(() => endTask(pending, late)).toThrow(/expected running/u);
});

test("a task of a turn names the call that it answers", ({ expect }) => {
  const turn = { sessionId: parseSessionId("s"), turnId: parseTurnId("t") };
  const origin = { kind: "turn", ...turn, toolCallId: parseToolCallId("c") } as const;
  expect(beginTask({ ...pending, origin }, 2).origin).toEqual(origin);
});
