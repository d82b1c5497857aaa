import { test } from "vitest";
import { RunningCalls } from "#application/invoke-skill/running-calls.ts";
import {
  parseScheduleId,
  parseSessionId,
  parseTaskId,
  parseToolCallId,
  parseTurnId,
  parseUserId,
} from "#domain/shared/id.ts";
import type { Task, TaskOrigin } from "#domain/task/task.ts";

const ada = parseUserId("ada");
const bob = parseUserId("bob");
const schedule = { kind: "schedule", scheduleId: parseScheduleId("s") } as const;

const turnOf = (id: string): TaskOrigin => ({
  kind: "turn",
  sessionId: parseSessionId(id),
  turnId: parseTurnId(`turn-of-${id}`),
  toolCallId: parseToolCallId("call"),
});

/** Calls that go on until they are stopped: Ada's in two sessions and of a schedule, and Bob's. */
function openCalls() {
  const stopped: string[] = [];
  const calls = new RunningCalls({
    listSkills: () => [],
    prepare: () => ({ kind: "error", code: "no", message: "No" }),
    decide: () => ({ kind: "deny", rule: "no", message: "No" }),
    invoke: (task, signal) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => {
          stopped.push(task.id);
          resolve({ outcome: { kind: "error", code: "cancelled", message: "Stopped" }, task });
        });
      }),
  });
  const begin = (id: string, userId: Task["userId"], origin: TaskOrigin) =>
    calls.invoke(
      {
        id: parseTaskId(id),
        userId,
        origin,
        skill: "box",
        tool: "put",
        skillDigest: "",
        policyHash: "",
        input: {},
        state: { kind: "running", startedAtMs: 1 },
        createdAtMs: 1,
      },
      new AbortController().signal,
    );
  void begin("one", ada, turnOf("first"));
  void begin("two", ada, turnOf("second"));
  void begin("three", ada, schedule);
  void begin("four", bob, turnOf("third"));
  return { calls, stopped };
}

test("one call is stopped, those of a session, of a user, or all", ({ expect }) => {
  const one = openCalls();
  one.calls.stop(parseTaskId("two"));
  expect(one.stopped).toEqual(["two"]);
  const session = openCalls();
  session.calls.stopOf(parseSessionId("first"));
  expect(session.stopped).toEqual(["one"]);
  const user = openCalls();
  user.calls.stopOf(ada);
  expect(user.stopped).toEqual(["one", "two", "three"]);
  const all = openCalls();
  all.calls.stopAll();
  expect(all.stopped).toEqual(["one", "two", "three", "four"]);
});
