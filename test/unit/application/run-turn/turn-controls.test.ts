import { describe, test, vi } from "vitest";
import { CANCELLED } from "#application/run-turn/turn-signal.ts";
import { stoppedBy } from "#domain/brake/brake.ts";
import { textOf } from "#domain/message/message.ts";
import { UNSAVED_TIME_MOST_MS } from "#domain/turn/turn.ts";
import { call, FACTS, finish, openRun, say, sayUntilAborted } from "../../../support/turn-run.ts";
import { ADA } from "../../../support/turn-store.ts";

const BRAKE = { sinceMs: 1, by: ADA, reason: "a fire drill" };
/** What a stopped turn waits for its tools at most: with it, it has ended within 100 ms. */
const GRACE_MS = 75;

describe("messages that steer a turn", () => {
  test("join it before its next step, and have no run of their own", async ({ expect }) => {
    await using opened = await openRun({
      steps: [
        [call("c1", "box.look"), finish],
        [say("In French, then"), finish],
      ],
    });
    const turn = await opened.store.accept();
    const { sessionId } = turn;
    opened.answerWith(async ({ input }) => {
      await opened.store.accept({ sessionId, text: "In French", mode: "steer" });
      await opened.store.accept({ sessionId, text: "Later", mode: "queue" });
      return { kind: "ok", output: input };
    });
    await opened.run(turn);
    expect(opened.requests[1]?.messages.map(textOf)).toEqual(["Hello", "", "", "In French"]);
    const joined = opened.shown.find(({ event }) => event.kind === "message-joined");
    expect(joined?.event).toMatchObject({ text: "In French" });
    const { texts, events } = opened.stored(turn);
    expect(texts).toEqual(["Hello", "In French", "In French, then", "Later"]);
    expect(events).toMatchObject({ events: opened.shown });
    const turns = opened.store.reader.listTurnsOfSession({ sessionId, limit: 9 });
    expect(turns.map(({ state }) => state.kind)).toEqual(["queued", "completed"]);
    const message = opened.store.reader.listMessages({ sessionId, limit: 9 })[3];
    expect(message).toMatchObject({ turnId: turn.turnId, role: "user" });
  });

  test("wait like any other where the turn takes no further step", async ({ expect }) => {
    await using opened = await openRun({
      steps: [
        async function* () {
          await opened.store.accept({ sessionId: turn.sessionId, text: "Wait", mode: "steer" });
          yield say("Done");
          yield finish;
        },
      ],
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.kinds()).not.toContain("message-joined");
    expect(await opened.claim(turn)).toMatchObject({ text: "Wait" });
  });

  test("one that is cancelled meanwhile does not join, and the turn goes on", async ({
    expect,
  }) => {
    await using opened = await openRun({
      steps: [
        [call("c1", "box.look"), finish],
        [say("Done"), finish],
      ],
    });
    const turn = await opened.store.accept();
    opened.answerWith(async ({ input }) => {
      const { sessionId } = turn;
      const steering = await opened.store.accept({ sessionId, text: "No", mode: "steer" });
      await opened.store.turns.cancel(steering.turnId);
      return { kind: "ok", output: input };
    });
    await opened.run(turn);
    expect(opened.stored(turn).state).toMatchObject({ kind: "completed" });
    expect(opened.requests[1]?.messages.map(textOf)).toEqual(["Hello", "", ""]);
  });

  test("bring their pictures along", async ({ expect }) => {
    const picture = { kind: "image", mediaType: "image/png", data: "aGk=" } as const;
    await using opened = await openRun({
      steps: [
        [call("c1", "box.look"), finish],
        [say("I see"), finish],
      ],
    });
    const turn = await opened.store.accept();
    opened.answerWith(async ({ input }) => {
      const { sessionId } = turn;
      await opened.store.accept({ sessionId, text: "Look", mode: "steer", images: [picture] });
      return { kind: "ok", output: input };
    });
    await opened.run(turn);
    expect(opened.requests[1]?.messages.at(-1)?.parts).toEqual([
      { kind: "text", text: "Look" },
      picture,
    ]);
  });
});

describe("the brake", () => {
  test("fails a turn before it asks a model, and says why", async ({ expect }) => {
    await using opened = await openRun({ steps: [] });
    opened.knowBrake(BRAKE);
    await opened.brakes.engage(BRAKE);
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.requests).toEqual([]);
    const failure = { code: "STOPPED", message: expect.stringContaining("a fire drill") };
    expect(opened.stored(turn).state).toMatchObject({ kind: "failed", failure });
  });

  test("fails no turn after its release, whatever this process believes", async ({ expect }) => {
    await using opened = await openRun({ steps: [[say("Done"), finish]] });
    opened.knowBrake(BRAKE);
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.stored(turn).state).toMatchObject({ kind: "completed" });
  });

  test("is looked up where this process does not know how it stands", async ({ expect }) => {
    await using opened = await openRun({ steps: [] });
    opened.knowBrake(undefined);
    await opened.brakes.engage(BRAKE);
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.stored(turn).state).toMatchObject({ failure: { code: "STOPPED" } });
  });

  test("is asked before any tool is called, whatever this process believes", async ({ expect }) => {
    await using opened = await openRun({
      steps: [
        async function* () {
          yield call("c1", "box.look");
          await opened.brakes.engage(BRAKE);
          yield finish;
        },
      ],
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.calls).toEqual([]);
    expect(opened.stored(turn).state).toMatchObject({ failure: { code: "STOPPED" } });
  });

  test("is asked once for calls that only look, and once before each further step", async ({
    expect,
  }) => {
    const asked = [call("c1", "box.look", { n: 1 }), call("c2", "box.look", { n: 2 }), finish];
    await using opened = await openRun({ steps: [asked, [say("Done"), finish]] });
    await opened.run(await opened.store.accept());
    expect(opened.calls).toHaveLength(2);
    expect(opened.looks()).toBe(2);
  });

  test("is asked before each call that changes something, which then counts as not made", async ({
    expect,
  }) => {
    const asked = [call("c1", "box.put", { n: 1 }), call("c2", "box.put", { n: 2 }), finish];
    await using opened = await openRun({ steps: [asked] });
    opened.answerWith(async ({ input }) => {
      await opened.brakes.engage(BRAKE);
      return { kind: "ok", output: input };
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.calls.map(({ input }) => input)).toEqual([{ n: 1 }]);
    const { state, tasks, messages } = opened.stored(turn);
    expect(state).toMatchObject({ kind: "failed", failure: { code: "STOPPED" } });
    expect(tasks.map((task) => task.state.kind).toSorted()).toEqual(["cancelled", "completed"]);
    expect(messages.at(-1)?.parts).toMatchObject([
      { kind: "tool-result", toolCallId: "c2", outcome: { code: "cancelled" } },
    ]);
  });

  test("is asked before calls that look outside when those before have ended", async ({
    expect,
  }) => {
    const asked = [call("c1", "box.look", { n: 1 }), call("c2", "box.look", { n: 2 }), finish];
    await using opened = await openRun({ steps: [asked] });
    let decisions = 0;
    opened.decideWith(() => {
      decisions += 1;
      return { kind: "allow", facts: { ...FACTS, actsOutside: decisions === 2 } };
    });
    opened.answerWith(async ({ input }) => {
      await opened.brakes.engage(BRAKE);
      return { kind: "ok", output: input };
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.calls.map(({ input }) => input)).toEqual([{ n: 1 }]);
    expect(opened.stored(turn).state).toMatchObject({ failure: { code: "STOPPED" } });
  });

  test("between an answer and its calls shows these before what they came to", async ({
    expect,
  }) => {
    await using opened = await openRun({
      steps: [
        async function* () {
          yield call("c1", "box.look");
          await opened.brakes.engage(BRAKE);
          yield finish;
        },
      ],
    });
    await opened.run(await opened.store.accept());
    const kinds = opened.kinds().filter((kind) => kind.startsWith("tool-call"));
    expect(kinds).toEqual([
      "tool-call-started",
      "tool-call-input",
      "tool-call-ended",
      "tool-call-returned",
    ]);
  });

  test("is asked before every further step", async ({ expect }) => {
    await using opened = await openRun({ steps: [[call("c1", "box.look"), finish]] });
    opened.answerWith(async ({ input }) => {
      await opened.brakes.engage(BRAKE);
      return { kind: "ok", output: input };
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.requests).toHaveLength(1);
    expect(opened.stored(turn).state).toMatchObject({ failure: { code: "STOPPED" } });
  });

  test("stops what runs, and keeps its text", async ({ expect }) => {
    const controller = new AbortController();
    await using opened = await openRun({
      steps: [
        (signal) => {
          setImmediate(() => controller.abort(stoppedBy(BRAKE)));
          return sayUntilAborted("Once upon", signal);
        },
      ],
    });
    const turn = await opened.store.accept();
    await opened.run(turn, controller.signal);
    const { state, texts } = opened.stored(turn);
    expect(state).toMatchObject({ kind: "failed", failure: { code: "STOPPED" } });
    expect(texts).toEqual(["Hello", "Once upon"]);
  });

  test("an ordinary turn asks the store nothing", async ({ expect }) => {
    await using opened = await openRun({ steps: [[say("Hi"), finish]] });
    await opened.run(await opened.store.accept());
    expect(opened.looks()).toBe(0);
    expect(opened.store.writes).toEqual(["accept", "completed"]);
  });
});

describe("a turn that is cancelled", () => {
  test("ends though its model does not heed the signal, with the text that was there", async ({
    expect,
  }) => {
    const controller = new AbortController();
    await using opened = await openRun({
      steps: [
        async function* () {
          yield say("Once upon");
          setImmediate(() => controller.abort(CANCELLED));
          await new Promise(() => {});
        },
      ],
    });
    const turn = await opened.store.accept();
    await opened.run(turn, controller.signal);
    const { state, texts } = opened.stored(turn);
    expect(state).toMatchObject({ kind: "cancelled" });
    expect(texts).toEqual(["Hello", "Once upon"]);
  });

  test("ends 75 ms later though its tool does not heed the signal, and no further one is called", async ({
    expect,
    onTestFinished,
  }) => {
    const controller = new AbortController();
    await using opened = await openRun({
      steps: [[call("c1", "box.put"), call("c2", "box.put"), finish]],
    });
    const called = Promise.withResolvers<void>();
    opened.answerWith(() => {
      called.resolve();
      return new Promise(() => {});
    });
    const turn = await opened.store.accept();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    let isOver = false;
    const ran = opened.run(turn, controller.signal).then(() => {
      isOver = true;
    });
    await called.promise;
    controller.abort(CANCELLED);
    await vi.advanceTimersByTimeAsync(GRACE_MS - 1);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await ran;
    expect(opened.calls).toHaveLength(1);
    const { state, tasks, messages } = opened.stored(turn);
    expect(state).toMatchObject({ kind: "cancelled" });
    expect(tasks).toMatchObject([{ state: { kind: "cancelled" } }]);
    const results = messages.filter(({ role }) => role === "tool");
    expect(results).toHaveLength(2);
  });

  test("gives a tool that heeds the signal the time to say how it ended", async ({ expect }) => {
    const controller = new AbortController();
    await using opened = await openRun({ steps: [[call("c1", "box.put"), finish]] });
    opened.answerWith(async (_call, signal) => {
      setImmediate(() => controller.abort(CANCELLED));
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      await new Promise((resolve) => setImmediate(resolve));
      return { kind: "error", code: "cancelled", message: "I stopped half-way" };
    });
    const turn = await opened.store.accept();
    await opened.run(turn, controller.signal);
    expect(JSON.stringify(opened.stored(turn).messages)).toContain("I stopped half-way");
  });
});

describe("the time limit of a turn", () => {
  test("counts the time of its earlier runs", async ({ expect }) => {
    await using opened = await openRun({
      steps: [(signal) => sayUntilAborted("Once upon", signal)],
      limits: { turnTimeoutMs: 10_000 },
    });
    const turn = await opened.store.accept();
    await opened.run({ ...turn, ranMs: 9_990 } as typeof turn);
    expect(opened.stored(turn).state).toMatchObject({ failure: { code: "TURN_TIMEOUT" } });
  });

  test("a budget of time holds calls that an earlier run has left unmade", async ({ expect }) => {
    const failure = { code: "BUDGET_EXCEEDED", message: "No time is left" };
    const asked: number[] = [];
    await using opened = await openRun({
      steps: [[call("c1", "box.put", { n: 1 }), call("c2", "box.put", { n: 2 }), finish]],
      budget: {
        timeLeft: ({ turnSpend }) => {
          asked.push(turnSpend.wallMs);
          return { leftMs: 2_500, failure };
        },
      },
    });
    opened.answerWith(async (_call, signal) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return { kind: "error", code: "cancelled", message: "Stopped" };
    });
    const turn = await opened.store.accept();
    void opened.run(turn);
    await expect.poll(() => opened.calls.length).toBe(1);
    expect(asked).toEqual([]);
    const again = await opened.takeOver(turn);
    await opened.run({ ...turn, ...again });
    expect(asked).toEqual([UNSAVED_TIME_MOST_MS]);
    expect(opened.calls).toHaveLength(2);
    expect(opened.requests).toHaveLength(1);
    expect(opened.stored(turn).state).toMatchObject({ kind: "failed", failure });
  });

  test.for([0, -3])(
    "with %i ms left of a budget, calls left unmade are not made",
    async (leftMs, { expect }) => {
      const failure = { code: "BUDGET_EXCEEDED", message: "No time is left" };
      await using opened = await openRun({
        steps: [[call("c1", "box.put", { n: 1 }), call("c2", "box.put", { n: 2 }), finish]],
        budget: { timeLeft: () => ({ leftMs, failure }) },
      });
      opened.answerWith(() => new Promise(() => {}));
      const turn = await opened.store.accept();
      void opened.run(turn);
      await expect.poll(() => opened.calls.length).toBe(1);
      const again = await opened.takeOver(turn);
      await opened.run({ ...turn, ...again });
      expect(opened.calls).toHaveLength(1);
      expect(opened.stored(turn).state).toMatchObject({ kind: "failed", failure });
    },
  );

  test("what was left counts from when it was asked for, however long a store was away", async ({
    expect,
  }) => {
    const failure = { code: "BUDGET_EXCEEDED", message: "No time is left" };
    await using opened = await openRun({
      steps: [[say("Hi"), finish]],
      budget: {
        admit: async () => {
          opened.setTime(5_001);
          return { kind: "admitted", time: { leftMs: 5_000, failure } };
        },
      },
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.requests).toEqual([]);
    expect(opened.stored(turn).state).toMatchObject({ kind: "failed", failure });
    // What was set aside for the call is given back.
    expect(await opened.spend.listModelCalls(turn.turnId)).toMatchObject([
      { state: { kind: "cancelled" } },
    ]);
  });

  test("an answer that took longer than a later one does not replace its limit", async ({
    expect,
  }) => {
    const failure = { code: "BUDGET_EXCEEDED", message: "Others had it" };
    const slow = Promise.withResolvers<void>();
    let asked = 0;
    await using opened = await openRun({
      steps: [(signal) => sayUntilAborted("Once upon", signal)],
      budget: {
        timeLeft: async () => {
          asked += 1;
          if (asked > 1) return { leftMs: 40, failure };
          await slow.promise;
          return { leftMs: 60_000, failure };
        },
      },
    });
    const turn = await opened.store.accept();
    const running = opened.run(turn);
    await expect.poll(() => opened.requests.length).toBe(1);
    opened.setTime(3_000);
    await expect.poll(() => asked).toBe(1);
    opened.setTime(6_000);
    await expect.poll(() => asked).toBe(2);
    slow.resolve();
    await running;
    expect(opened.stored(turn).state).toMatchObject({ kind: "failed", failure });
  });

  test("a run that finds its turn another run's when it stores its time stops at once", async ({
    expect,
  }) => {
    await using opened = await openRun({
      steps: [(signal) => sayUntilAborted("Once upon", signal)],
      limits: { turnTimeoutMs: 600_000 },
    });
    const turn = await opened.store.accept();
    const running = opened.run(turn);
    await expect.poll(() => opened.requests.length).toBe(1);
    await opened.takeOver(turn);
    opened.setTime(3_000);
    expect(await running).toEqual({ kind: "fenced" });
    expect(opened.stored(turn).state).toMatchObject({ kind: "running" });
  });

  test("a turn that runs for long is held to what others have left of its time", async ({
    expect,
  }) => {
    const failure = { code: "BUDGET_EXCEEDED", message: "Others had it" };
    let leftMs = 60_000;
    await using opened = await openRun({
      steps: [(signal) => sayUntilAborted("Once upon", signal)],
      budget: {
        admit: () => ({ kind: "admitted", time: { leftMs: 60_000, failure } }),
        timeLeft: () => ({ leftMs, failure }),
      },
    });
    const turn = await opened.store.accept();
    const running = opened.run(turn);
    await expect.poll(() => opened.requests.length).toBe(1);
    leftMs = 0;
    opened.setTime(3_000);
    await running;
    const { state, texts } = opened.stored(turn);
    expect(state).toMatchObject({ kind: "failed", failure });
    expect(texts).toEqual(["Hello", "Once upon"]);
  });

  test("the store counts how long a turn ran, and not how long it waited", async ({ expect }) => {
    await using opened = await openRun({
      steps: [
        [call("c1", "box.send"), finish],
        async function* () {
          opened.setTime(1_040);
          yield say("Done");
          yield finish;
        },
      ],
    });

    opened.decideWith(() => {
      opened.setTime(31);
      return { kind: "ask", facts: FACTS, expiresInMs: 100, reason: "It sends" };
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    opened.setTime(1_000);
    await opened.store.turns.cancel(turn.turnId);
    expect(await opened.claim(turn)).toMatchObject({ ranMs: 30 });
  });
});
