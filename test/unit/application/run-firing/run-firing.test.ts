import { describe, test } from "vitest";
import {
  createRunFiring,
  type RunFiringDeps,
} from "../../../../src/application/run-firing/run-firing.ts";
import { type FiringKey, firingName } from "../../../../src/domain/schedule/firing.ts";
import type { Schedule, ScheduleAction } from "../../../../src/domain/schedule/schedule.ts";
import { Fault } from "../../../../src/domain/shared/fault.ts";
import { parseSessionId, parseTurnId } from "../../../../src/domain/shared/id.ts";
import type { Skill } from "../../../../src/domain/skill/skill.ts";
import { endTask, failTask, NO_USAGE, type Task } from "../../../../src/domain/task/task.ts";
import { newId } from "../../../../src/infrastructure/ids/ids.ts";
import { createCronerTimes } from "../../../../src/infrastructure/schedules/croner-times.ts";
import { createMemorySchedules } from "../../../support/fakes/memory-schedules.ts";
import { calculator, scheduleOf } from "../../../support/schedules.ts";
import { silentLog } from "../../../support/silent-log.ts";

const DUE = 60_000;
const NOW = 60_250;
const turnId = parseTurnId("turn");
const accepted = { kind: "accepted", turnId } as const;
const call = {
  kind: "tool-call",
  skill: "calculator",
  tool: "calculate",
  input: { a: 1 },
} as const;
const writer: Skill = {
  ...calculator,
  tools: calculator.tools.map((tool) => ({ ...tool, effects: ["external"] as const })),
};

describe("runFiring() of a message", () => {
  test("makes a turn of its user in the schedule's own session", async ({ expect }) => {
    const { run, asked, firing, schedule, key } = await open({});
    await run();
    expect(asked).toEqual([
      {
        userId: schedule.userId,
        clientMessageId: firingName(key),
        text: "Hello",
        newSessionId: schedule.id,
      },
    ]);
    expect(await firing()).toMatchObject({
      lateMs: 250,
      state: { kind: "done", endedAtMs: NOW, result: { kind: "turn", turnId } },
    });
  });

  test("goes on in a session that is there", async ({ expect }) => {
    const sessionId = parseSessionId("given");
    const action = { kind: "message", text: "Hi", sessionId } as const;
    const { run, asked } = await open({ action, sessionIds: ["given"] });
    await run();
    expect(asked).toMatchObject([{ sessionId }]);
  });

  test("goes to its own session where another firing made that meanwhile", async ({ expect }) => {
    const sessionIds: string[] = [];
    const asked: unknown[] = [];
    const acceptMessage: RunFiringDeps["acceptMessage"] = async ({ sessionId, newSessionId }) => {
      asked.push({ sessionId, newSessionId });
      if (newSessionId === undefined) return accepted;
      sessionIds.push(newSessionId);
      throw new Fault("STORE_UNAVAILABLE", "There is such a session");
    };
    const { run, firing, schedule } = await open({ sessionIds, deps: { acceptMessage } });
    await run();
    expect(asked).toEqual([{ newSessionId: schedule.id }, { sessionId: schedule.id }]);
    expect(await firing()).toMatchObject({ state: { kind: "done" } });
  });

  test("fails where its session is gone or another user's", async ({ expect }) => {
    const action = { kind: "message", text: "Hi", sessionId: parseSessionId("gone") } as const;
    const { run, asked, firing } = await open({ action });
    await run();
    expect(asked).toEqual([]);
    expect(await firing()).toMatchObject({
      state: { kind: "failed", failure: { code: "SESSION_NOT_FOUND" } },
    });
  });

  test("run twice, it asks under one name; once it ended, not at all", async ({ expect }) => {
    const { run, asked, key } = await open({ failingEnds: 1 });
    await expect(run()).rejects.toThrow("Gone");
    await run();
    await run();
    expect(asked.map((each) => each.clientMessageId)).toEqual([firingName(key), firingName(key)]);
  });

  test("waits for a later attempt where there is no room", async ({ expect }) => {
    const acceptMessage: RunFiringDeps["acceptMessage"] = async () => ({
      kind: "overloaded",
      retryAfterMs: 1,
    });
    const { run, firing } = await open({ deps: { acceptMessage } });
    await expect(run()).rejects.toThrow("no room");
    expect(await firing()).toMatchObject({ state: { kind: "waiting" } });
    await expect(run({ isLast: true })).rejects.toThrow("no room");
    expect(await firing()).toMatchObject({ state: { kind: "failed" } });
  });

  test("does nothing about what was removed, or left out by a pause", async ({ expect }) => {
    const { run, asked, memory, key } = await open({});
    await memory.schedules.remove(key.scheduleId);
    await run();
    expect(asked).toEqual([]);
  });
});

describe("runFiring() of a skill call", () => {
  test("has the task on record as running before the call, and its end after", async ({
    expect,
  }) => {
    const seen: unknown[] = [];
    const { run, firing, memory, schedule } = await open({
      action: call,
      skill: writer,
      callSkill: async (task, tasks) => {
        seen.push(tasks.get(task.id)?.state.kind);
        return completed(task);
      },
    });
    await run();
    expect(seen).toEqual(["running"]);
    const [task] = memory.tasks.values();
    expect(task).toMatchObject({
      userId: schedule.userId,
      origin: { kind: "schedule", scheduleId: schedule.id },
      input: { a: 1 },
      state: { kind: "completed", output: 2 },
    });
    const result = { kind: "task", taskId: task?.id };
    expect(await firing()).toMatchObject({ state: { kind: "done", result } });
  });

  test("a call that may have done something is not made again", async ({ expect }) => {
    const { run, crash, firing, memory } = await open({ action: call, skill: writer });
    await crash();
    await run();
    expect(await firing()).toMatchObject({
      state: { kind: "failed", failure: { code: "INTERRUPTED" } },
    });
    const [task] = memory.tasks.values();
    expect(task?.state).toMatchObject({ kind: "failed", failure: { code: "INTERRUPTED" } });
  });

  test("a call that only reads is made again, with the same task", async ({ expect }) => {
    const { run, crash, firing, memory } = await open({ action: call, skill: calculator });
    await crash();
    await run();
    expect(await firing()).toMatchObject({ state: { kind: "done" } });
    expect(memory.tasks.size).toBe(1);
  });

  test("what the attempt before has to say comes too late", async ({ expect }) => {
    const going = Promise.withResolvers<void>();
    let calls = 0;
    const { run, firing } = await open({
      action: call,
      skill: calculator,
      callSkill: async (task) => {
        calls += 1;
        if (calls === 1) await going.promise;
        return completed(task, calls);
      },
    });
    const first = run();
    await new Promise(setImmediate);
    await run();
    const state = (await firing())?.state;
    going.resolve();
    await first;
    expect((await firing())?.state).toEqual(state);
  });

  test("fails with what the skill or the sandbox failed with", async ({ expect }) => {
    const failure = { code: "memory", message: "Too much" };
    const failing = await open({
      action: call,
      skill: writer,
      callSkill: async (task) =>
        endTask(task, { kind: "failed", endedAtMs: NOW, failure, usage: NO_USAGE }),
    });
    await failing.run();
    expect(await failing.firing()).toMatchObject({ state: { kind: "failed", failure } });
    const broken = await open({
      action: call,
      skill: writer,
      callSkill: () => Promise.reject(new Fault("SANDBOX_UNAVAILABLE", "No process")),
    });
    await broken.run();
    expect(await broken.firing()).toMatchObject({
      state: { kind: "failed", failure: { code: "SANDBOX_UNAVAILABLE" } },
    });
  });

  test("waits for a later try where its skill is not there, and fails with the last", async ({
    expect,
  }) => {
    const { run, firing, memory } = await open({ action: { ...call, skill: "mcp-slow" } });
    await expect(run()).rejects.toThrow('There is no skill "mcp-slow" at the moment');
    expect(await firing()).toMatchObject({ state: { kind: "waiting" } });
    expect(memory.tasks.size).toBe(0);
    await run({ isLast: true });
    const failure = { code: "unknown-tool", message: 'There is no tool "mcp-slow.calculate"' };
    expect(await firing()).toMatchObject({ state: { kind: "failed", failure } });
  });

  test("a call that another try began waits until its skill is there to say what it does", async ({
    expect,
  }) => {
    let skills: readonly Skill[] = [calculator];
    const { run, crash, firing, memory } = await open({
      action: call,
      deps: { listSkills: async () => ({ skills, promptSkills: [] }) },
    });
    await crash();
    skills = [];
    await expect(run()).rejects.toThrow("There is no skill");
    skills = [calculator];
    await run();
    expect(await firing()).toMatchObject({ state: { kind: "done" } });
    expect(memory.tasks.size).toBe(1);
  });

  test.for(["unknown-tool", "unavailable", "concurrency", "queue-time", "overloaded"])(
    "is tried again where the thread that should call says %s",
    async (code, { expect }) => {
      const failure = { code, message: "Not here" };
      let lacks = 1;
      const { run, firing, memory } = await open({
        action: call,
        skill: writer,
        callSkill: async (task) => (lacks-- > 0 ? failTask(task, failure, NOW) : completed(task)),
      });
      await expect(run()).rejects.toThrow("The call was not made: Not here");
      expect(await firing()).toMatchObject({ state: { kind: "waiting" } });
      expect(memory.tasks.size).toBe(0);
      await run();
      expect(await firing()).toMatchObject({ state: { kind: "done" } });
      expect(memory.tasks.size).toBe(1);
      const last = await open({
        action: call,
        skill: writer,
        callSkill: async (task) => failTask(task, failure, NOW),
      });
      await last.run({ isLast: true });
      expect(await last.firing()).toMatchObject({ state: { kind: "failed", failure } });
      expect(last.memory.tasks.size).toBe(1);
    },
  );

  test("a call that reads stays begun where its next try was not made", async ({ expect }) => {
    const failure = { code: "unknown-tool", message: "Not here" };
    let lacks = 1;
    const { run, crash, firing, memory } = await open({
      action: call,
      skill: calculator,
      callSkill: async (task) => (lacks-- > 0 ? failTask(task, failure, NOW) : completed(task)),
    });
    await crash();
    await expect(run()).rejects.toThrow("not made");
    expect(await firing()).toMatchObject({ state: { kind: "running", attempt: 2 } });
    await run();
    expect(await firing()).toMatchObject({ state: { kind: "done" } });
    expect(memory.tasks.size).toBe(1);
  });

  test("fails where there is no such tool any more", async ({ expect }) => {
    const { run, firing } = await open({ action: { ...call, tool: "gone" } });
    await run();
    expect(await firing()).toMatchObject({
      state: { kind: "failed", failure: { code: "unknown-tool" } },
    });
  });
});

interface Given {
  readonly action?: ScheduleAction;
  readonly sessionIds?: readonly string[];
  readonly skill?: Skill;
  readonly failingEnds?: number;
  readonly callSkill?: (task: Task, tasks: ReadonlyMap<string, Task>) => Promise<Task>;
  readonly deps?: Partial<RunFiringDeps>;
}

async function open(given: Given) {
  const { action, sessionIds = [], skill = calculator, callSkill, deps } = given;
  let endsToFail = given.failingEnds ?? 0;
  const memory = createMemorySchedules(createCronerTimes());
  const schedule: Schedule = scheduleOf(action === undefined ? {} : { action });
  await memory.schedules.add(schedule);
  const { fired } = await memory.firings.fireDue({ nowMs: DUE, limit: 1 });
  const key = fired[0] as FiringKey;
  const asked: Parameters<RunFiringDeps["acceptMessage"]>[0][] = [];
  const all: RunFiringDeps = {
    firings: {
      find: (...args) => memory.firings.find(...args),
      beginCall: (...args) => memory.firings.beginCall(...args),
      withdrawCall: (...args) => memory.firings.withdrawCall(...args),
      end: (...args) => {
        if (endsToFail-- > 0) throw new Fault("STORE_UNAVAILABLE", "Gone");
        return memory.firings.end(...args);
      },
    },
    sessions: {
      find: async (id) =>
        sessionIds.includes(id) ? ({ id, userId: schedule.userId } as never) : undefined,
    },
    acceptMessage: async (input) => {
      asked.push(input);
      return accepted;
    },
    listSkills: async () => ({ skills: [skill], promptSkills: [] }),
    callSkill: async (task) =>
      callSkill === undefined ? completed(task) : callSkill(task, memory.tasks),
    newId,
    nowMs: () => NOW,
    log: silentLog,
    ...deps,
  };
  const run = ({ isLast = false } = {}) =>
    createRunFiring(all)(
      { id: "job", data: { ...key }, attempt: 1, isLast },
      new AbortController().signal,
    );
  /** A run that dies in the middle of its call. */
  const crash = async () => {
    void createRunFiring({ ...all, callSkill: () => new Promise(() => undefined) })(
      { id: "job", data: { ...key }, attempt: 1, isLast: false },
      new AbortController().signal,
    );
    await new Promise(setImmediate);
  };
  const firing = async () => (await memory.firings.find(key))?.firing;
  return { run, crash, firing, memory, schedule, key, asked };
}

function completed(task: Task, output = 2): Task {
  return endTask(task, { kind: "completed", endedAtMs: NOW, output, usage: NO_USAGE });
}
