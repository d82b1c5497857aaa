import { describe, onTestFinished, test, vi } from "vitest";
import { BackgroundCalls } from "#application/run-turn/background-calls.ts";
import type { ToolOutcome } from "#domain/message/message.ts";
import { Fault } from "#domain/shared/fault.ts";
import {
  parseSessionId,
  parseTaskId,
  parseToolCallId,
  parseTurnId,
  parseUserId,
} from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { Task } from "#domain/task/task.ts";
import { silentLog } from "../../../support/silent-log.ts";
import { call, FACTS, finish, openRun, type Step, say } from "../../../support/turn-run.ts";

const AFTER_MS = 5;
const DONE: Step = [say("Done"), finish];

const TASK: Task = {
  id: parseTaskId("task"),
  userId: parseUserId("ada"),
  origin: {
    kind: "turn",
    sessionId: parseSessionId("session"),
    turnId: parseTurnId("turn"),
    toolCallId: parseToolCallId("call"),
  },
  skill: "box",
  tool: "put",
  skillDigest: "",
  policyHash: "",
  input: {},
  state: { kind: "running", startedAtMs: 1 },
  createdAtMs: 1,
};

/** Runs one turn of these steps, with tools that answer when they are told to. */
async function openSlowRun(steps: readonly Step[], backgroundAfterMs = AFTER_MS) {
  const opened = await openRun({ steps, backgroundAfterMs });
  const answers: ((output: JsonValue) => void)[] = [];
  opened.answerWith(
    (_call, signal) =>
      new Promise<ToolOutcome>((resolve) => {
        answers.push((output) => resolve({ kind: "ok", output }));
        signal.addEventListener("abort", () =>
          resolve({ kind: "error", code: "cancelled", message: "Stopped" }),
        );
      }),
  );
  const turn = await opened.store.accept();
  const jobs = () => opened.store.jobs("report-task");
  return { ...opened, answers, turn, jobs };
}

describe("a call that takes longer than its turn waits", () => {
  test("goes on without it, and its end is stored with a job that reports it", async ({
    expect,
  }) => {
    const run = await openSlowRun([[call("c1", "box.put", { n: 1 }), finish], DONE]);
    await using _ = run;
    expect(await run.run(run.turn)).toMatchObject({ kind: "ended" });
    const [task] = run.stored(run.turn).tasks;
    expect(task?.state.kind).toBe("running");
    expect(run.stored(run.turn).messages).toContainEqual({
      role: "tool",
      parts: [
        expect.objectContaining({
          outcome: {
            kind: "ok",
            output: { status: "running", taskId: task?.id, note: expect.any(String) },
          },
        }),
      ],
    });
    expect(run.jobs()).toEqual([]);
    run.answers[0]?.({ put: 1 });
    await run.background.settled(run.turn.turnId);
    expect(run.stored(run.turn).tasks[0]?.state).toMatchObject({
      kind: "completed",
      output: { put: 1 },
    });
    expect(run.reported).toEqual([task?.id]);
    expect(run.jobs()).toEqual([{ taskId: task?.id }]);
  });

  test("has tainted its session before its result comes", async ({ expect }) => {
    const run = await openSlowRun([[call("c1", "box.look"), finish], DONE]);
    await using _ = run;
    const facts = { ...FACTS, bringsUntrusted: true, holdsPrivate: true };
    run.decideWith(() => ({ kind: "allow", facts }));
    await run.run(run.turn);
    expect(run.stored(run.turn).taint).toEqual({
      untrusted: "tool box.look",
      private: "tool box.look",
    });
    expect(run.stored(run.turn).tasks.map(({ state }) => state.kind)).toEqual(["running"]);
  });

  test("is one of several, side by side: each is on record", async ({ expect }) => {
    const calls = [1, 2, 3].map((n) => call(`c${n}`, "box.look", { n }));
    const run = await openSlowRun([[...calls, finish], DONE]);
    await using _ = run;
    expect(await run.run(run.turn)).toMatchObject({ kind: "ended" });
    for (const answer of run.answers) answer({});
    await run.background.settled(run.turn.turnId);
    expect(run.stored(run.turn).tasks.map(({ state }) => state.kind)).toEqual(
      Array.from({ length: 3 }, () => "completed"),
    );
    expect(run.jobs()).toHaveLength(3);
  });

  test("is waited for where the session has eight already", async ({ expect }) => {
    const calls = Array.from({ length: 9 }, (_, n) => call(`c${n}`, "box.look", { n }));
    const run = await openSlowRun([[...calls, finish], DONE]);
    await using _ = run;
    const running = run.run(run.turn);
    await expect.poll(() => run.store.background().length).toBe(8);
    expect(run.requests).toHaveLength(1);
    run.answers[8]?.({ n: 8 });
    await running;
    expect(run.store.background()).toHaveLength(8);
    expect(run.requests).toHaveLength(2);
    for (const answer of run.answers) answer({});
    await run.background.settled(run.turn.turnId);
    expect(run.store.background()).toEqual([]);
    expect(run.jobs()).toHaveLength(8);
  });

  test("is stopped with its turn while that runs", async ({ expect }) => {
    const stop = new AbortController();
    const waits: Step = async function* (signal) {
      yield say("Meanwhile");
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    };
    const run = await openSlowRun([[call("c1", "box.put"), finish], waits]);
    await using _ = run;
    const running = run.run(run.turn, stop.signal);
    await expect.poll(() => run.requests.length).toBe(2);
    stop.abort("cancelled");
    await running;
    await run.background.settled(run.turn.turnId);
    expect(run.stored(run.turn)).toMatchObject({
      state: { kind: "cancelled" },
      tasks: [{ state: { kind: "cancelled" } }],
    });
  });

  test("has its end stored, however long the store is away", async ({ expect }) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    let tries = 0;
    const ended: string[] = [];
    const background = new BackgroundCalls({
      tasks: {
        end: async () => {
          tries += 1;
          if (tries < 4) throw new Fault("STORE_UNAVAILABLE", "The disk is full");
          return "saved";
        },
      },
      afterMs: 1,
      onEnded: ({ id }) => ended.push(id),
      nowMs: () => 5,
      log: silentLog,
    });
    const work = Promise.reject(new Error("It broke"));
    expect(background.adopt({ task: TASK, work, stored: Promise.resolve() })).toBe(true);
    const settled = background.settled(parseTurnId("turn"));
    await vi.advanceTimersByTimeAsync(1_499);
    expect([tries, ended]).toEqual([3, []]);
    await vi.advanceTimersByTimeAsync(1);
    await settled;
    expect([tries, ended]).toEqual([4, [TASK.id]]);
  });

  test("whose turn was taken away meanwhile is interrupted, reported, and ends no more", async ({
    expect,
  }) => {
    const waits: Step = async function* () {
      yield say("Meanwhile");
      await new Promise(() => {});
    };
    const run = await openSlowRun([[call("c1", "box.put"), finish], waits]);
    await using _ = run;
    void run.run(run.turn).catch(() => undefined);
    await expect.poll(() => run.store.background().length).toBe(1);
    await run.takeOver(run.turn);
    expect(run.stored(run.turn).tasks[0]?.state).toMatchObject({
      kind: "failed",
      failure: { code: "interrupted" },
    });
    expect(run.jobs()).toHaveLength(1);
    expect(run.store.background()).toEqual([]);
    run.answers[0]?.({});
    await run.background.settled(run.turn.turnId);
    expect(run.stored(run.turn).tasks[0]?.state.kind).toBe("failed");
    expect(run.reported).toEqual([]);
  });

  test("is waited for where nothing may go to the background", async ({ expect }) => {
    const run = await openSlowRun([[call("c1", "box.put"), finish], DONE], 0);
    await using _ = run;
    const running = run.run(run.turn);
    await new Promise((resolve) => setTimeout(resolve, 4 * AFTER_MS));
    expect(run.requests).toHaveLength(1);
    run.answers[0]?.({ put: true });
    await running;
    expect(run.stored(run.turn).tasks[0]?.state.kind).toBe("completed");
    expect(run.jobs()).toEqual([]);
  });
});
