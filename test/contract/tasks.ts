import { describe, test } from "vitest";
import {
  parseScheduleId,
  parseSessionId,
  parseTaskId,
  parseToolCallId,
  parseTurnId,
  parseUserId,
} from "#domain/shared/id.ts";
import { beginTask, endTask, failTask, type Task } from "#domain/task/task.ts";
import type { ListTasks, TaskRepository } from "#domain/task/task-repository.ts";

export interface TasksUnderTest extends AsyncDisposable {
  readonly tasks: TaskRepository;
}

const alice = parseUserId("alice");
const bob = parseUserId("bob");
const usage = { wallMs: 1.5, cpuMs: 0.25, memoryMiB: 2, outputBytes: 9 };

/** What every repository of tasks promises. */
export function describeTaskRepository(name: string, open: () => Promise<TasksUnderTest>): void {
  describe(`TaskRepository ${name}`, () => {
    test("gives a task back in each of its states", async ({ expect }) => {
      await using store = await open();
      const { tasks } = store;
      const pending = taskOf("t1");
      const running = beginTask(pending, 2);
      const failure = { code: "crashed", message: "It crashed" };
      await tasks.add(pending);
      await tasks.add(failTask(pending, failure, 9));
      expect(await tasks.find(pending.id)).toEqual(pending);
      expect(await tasks.save(running, "pending")).toBe("saved");
      expect(await tasks.find(pending.id)).toEqual(running);
      const completed = endTask(running, { kind: "completed", endedAtMs: 3, output: [4], usage });
      expect(await tasks.save(completed, "running")).toBe("saved");
      expect(await tasks.find(pending.id)).toEqual(completed);
      const timedOut = { kind: "timed-out", endedAtMs: 3, failure, usage } as const;
      const late = endTask(beginTask(taskOf("t2"), 2), timedOut);
      await tasks.add(late);
      expect(await tasks.find(late.id)).toEqual(late);
      expect(await tasks.find(parseTaskId("none"))).toBeUndefined();
    });

    test("save() leaves a task alone that has moved on", async ({ expect }) => {
      await using store = await open();
      const { tasks } = store;
      const pending = taskOf("t1");
      await tasks.add(pending);
      const results = await Promise.all([
        tasks.save(beginTask(pending, 2), "pending"),
        tasks.save(beginTask(pending, 3), "pending"),
      ]);
      expect(results.toSorted()).toEqual(["saved", "stale"]);
      expect(await tasks.save(beginTask(taskOf("none"), 2), "pending")).toBe("stale");
    });

    test("listOfTurn() gives the calls of a turn, oldest first", async ({ expect }) => {
      await using store = await open();
      const { tasks } = store;
      const origin = (turn: string) =>
        ({
          kind: "turn",
          sessionId: parseSessionId("s1"),
          turnId: parseTurnId(turn),
          toolCallId: parseToolCallId("c1"),
        }) as const;
      for (const [id, turn] of [
        ["t3", "turn1"],
        ["t2", "turn2"],
        ["t1", "turn1"],
      ] as const) {
        await tasks.add({ ...taskOf(id), origin: origin(turn) });
      }
      const found = await tasks.listOfTurn(parseTurnId("turn1"));
      expect(found.map(({ id }) => id)).toEqual(["t1", "t3"]);
      expect(await tasks.listOfTurn(parseTurnId("none"))).toEqual([]);
    });

    test("list() is newest first, by user, session and state, by pages", async ({ expect }) => {
      await using store = await open();
      const { tasks } = store;
      for (const id of ["t1", "t2", "t3", "t4"]) await tasks.add(taskOf(id));
      await tasks.add({ ...taskOf("t5"), userId: bob });
      await tasks.add(taskInTurn("t6"));
      await tasks.save(beginTask(taskOf("t3"), 2), "pending");
      const ids = async (input: Omit<ListTasks, "limit">, limit = 10) =>
        (await tasks.list({ ...input, limit })).map(({ id }) => id);
      expect(await ids({})).toEqual(["t6", "t5", "t4", "t3", "t2", "t1"]);
      expect(await ids({ userId: alice }, 2)).toEqual(["t6", "t4"]);
      expect(await ids({ userId: alice, before: parseTaskId("t4") }, 2)).toEqual(["t3", "t2"]);
      expect(await ids({ userId: alice, state: "running" })).toEqual(["t6", "t3"]);
      expect(await ids({ sessionId: parseSessionId("s1") })).toEqual(["t6"]);
      expect(await ids({ sessionId: parseSessionId("s1"), userId: bob })).toEqual([]);
    });

    test("a task of a turn has its call, one of a schedule its schedule", async ({ expect }) => {
      await using store = await open();
      for (const task of [taskOf("t1"), taskInTurn("t2")]) {
        await store.tasks.add(task);
        expect((await store.tasks.find(task.id))?.origin).toEqual(task.origin);
      }
    });
  });
}

function taskOf(id: string): Task {
  return {
    id: parseTaskId(id),
    userId: alice,
    origin: { kind: "schedule", scheduleId: parseScheduleId("every-day") },
    skill: "calculator",
    tool: "evaluate",
    skillDigest: "d",
    policyHash: "p",
    input: { expression: "1+1" },
    state: { kind: "pending" },
    createdAtMs: 1,
  };
}

function taskInTurn(id: string): Task {
  const turn = { sessionId: parseSessionId("s1"), turnId: parseTurnId("turn") };
  const toolCallId = parseToolCallId("call");
  const origin = { kind: "turn", ...turn, toolCallId } as const;
  return { ...taskOf(id), origin, state: { kind: "running", startedAtMs: 1 } };
}
