import { describe, test } from "vitest";
import type { LlmEvent } from "#application/ports/llm.ts";
import { ABANDONED, CANCELLED } from "#application/run-turn/turn-signal.ts";
import { textOf } from "#domain/message/message.ts";
import { Fault } from "#domain/shared/fault.ts";
import { call, finish, LIMITS, openRun, say, sayUntilAborted } from "../../../support/turn-run.ts";

/** Not the first turn of its session: what there was before is read from the store. */
const AS_LATER = { isBranched: true };

describe("runTurn()", () => {
  test("streams text, stores it, and shows what is stored", async ({ expect }) => {
    await using opened = await openRun({ steps: [[say("Good "), say("day"), finish]] });
    const turn = await opened.store.accept();
    const result = await opened.run(turn);
    expect(result).toEqual({ kind: "ended", headSeq: opened.shown.length });
    const { state, texts, events } = opened.stored(turn);
    expect(state).toEqual({ kind: "completed", endedAtMs: 1 });
    expect(texts).toEqual(["Hello", "Good day"]);
    expect(events).toMatchObject({ kind: "events", events: opened.shown, isLast: true });
    expect(opened.shown.map(({ seq }) => seq)).toEqual(opened.shown.map((_, index) => index + 1));
    expect(opened.kinds().at(0)).toBe("turn-started");
    expect(opened.kinds().at(-1)).toBe("turn-completed");
  });

  test("makes the calls of one step side by side and shows the model their results", async ({
    expect,
  }) => {
    const asked = [call("c1", "box.look", { n: 1 }), call("c2", "box.look", { n: 2 }), finish];
    await using opened = await openRun({ steps: [asked, [say("Both."), finish]] });
    const bothBegan = Promise.withResolvers<void>();
    opened.answerWith(async ({ input }) => {
      if (opened.calls.length === 2) bothBegan.resolve();
      await bothBegan.promise;
      return { kind: "ok", output: input };
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.requests[1]?.messages.map(({ role, parts }) => [role, parts[0]])).toMatchObject([
      ["user", { kind: "text", text: "Hello" }],
      ["assistant", { kind: "tool-call", toolCallId: "c1", input: { n: 1 } }],
      ["tool", { kind: "tool-result", toolCallId: "c1", outcome: { output: { n: 1 } } }],
      ["tool", { kind: "tool-result", toolCallId: "c2", outcome: { output: { n: 2 } } }],
    ]);
    expect(opened.stored(turn).texts).toEqual(["Hello", "Both."]);
  });

  test.for<[string, LlmEvent, string]>([
    ["a tool that does not exist", call("c1", "box.burn"), "unknown-tool"],
    [
      "input that is not JSON",
      { ...call("c1", "box.look"), input: { kind: "malformed", text: "{n:" } } as LlmEvent,
      "invalid-input",
    ],
  ])(
    "%s is an error the model hears of, and nothing is called",
    async ([, asked, code], { expect }) => {
      await using opened = await openRun({
        steps: [
          [asked, finish],
          [say("Sorry."), finish],
        ],
      });
      const turn = await opened.store.accept();
      await opened.run(turn);
      expect(opened.calls).toEqual([]);
      expect(opened.requests[1]?.messages.at(-1)?.parts).toMatchObject([
        { kind: "tool-result", outcome: { kind: "error", code } },
      ]);
      expect(opened.stored(turn).state).toMatchObject({ kind: "completed" });
    },
  );

  test("a sandbox that cannot be had is an error the model hears of", async ({ expect }) => {
    const steps = [
      [call("c1", "box.look"), finish],
      [say("Sorry."), finish],
    ];
    await using opened = await openRun({ steps });
    opened.answerWith(() => {
      throw new Fault("SANDBOX_UNAVAILABLE", "Cannot run: no process can be started");
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.requests[1]?.messages.at(-1)?.parts).toMatchObject([
      { outcome: { kind: "error", code: "SANDBOX_UNAVAILABLE" } },
    ]);
  });

  test("too many steps fail the turn", async ({ expect }) => {
    const steps = Array.from({ length: 9 }, (_, at) => [call(`c${at}`, "box.look"), finish]);
    await using opened = await openRun({ steps });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.requests).toHaveLength(LIMITS.maxSteps);
    expect(opened.stored(turn).state).toMatchObject({ failure: { code: "STEP_LIMIT" } });
  });

  test("a turn that takes too long fails and keeps its text", async ({ expect }) => {
    await using opened = await openRun({
      steps: [(signal) => sayUntilAborted("Once upon", signal)],
      limits: { turnTimeoutMs: 2_500 },
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    const { state, texts } = opened.stored(turn);
    const failure = { code: "TURN_TIMEOUT", message: expect.stringContaining("2500 ms") };
    expect(state).toMatchObject({ kind: "failed", failure });
    expect(texts).toEqual(["Hello", "Once upon"]);
    expect(await opened.spend.listModelCalls(turn.turnId)).toMatchObject([
      { state: { kind: "failed", failure } },
    ]);
  });

  test("a cancel in mid-text keeps the text that was there", async ({ expect }) => {
    const controller = new AbortController();
    await using opened = await openRun({
      steps: [
        (signal) => {
          setImmediate(() => controller.abort(CANCELLED));
          return sayUntilAborted("Once upon", signal);
        },
      ],
    });
    const turn = await opened.store.accept();
    await opened.run(turn, controller.signal);
    const { state, texts } = opened.stored(turn);
    expect(state).toMatchObject({ kind: "cancelled" });
    expect(texts).toEqual(["Hello", "Once upon"]);
    const [message] = opened.store.reader.listMessages({ sessionId: turn.sessionId, limit: 1 });
    expect(message?.isComplete).toBe(false);
    expect(opened.kinds().slice(-2)).toEqual(["turn-spent", "turn-cancelled"]);
  });

  test("a turn cancelled while it waited asks no model", async ({ expect }) => {
    await using opened = await openRun({ steps: [] });
    const turn = await opened.store.accept();
    await opened.run(turn, undefined, true);
    expect(opened.requests).toEqual([]);
    expect(opened.kinds()).toEqual(["turn-started", "turn-cancelled"]);
    expect(opened.stored(turn).state).toMatchObject({ kind: "cancelled" });
  });

  test.for<[string, Error, string]>([
    ["the model's fault", new Fault("LLM_UNAVAILABLE", "Cannot reach it"), "LLM_UNAVAILABLE"],
    ["a bug, without its words", new TypeError("secret is undefined"), "INTERNAL"],
  ])("%s fails the turn and keeps its text", async ([, error, code], { expect }) => {
    await using opened = await openRun({
      steps: [
        async function* () {
          yield say("Well, ");
          throw error;
        },
      ],
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    const { state, texts } = opened.stored(turn);
    expect(state).toMatchObject({ kind: "failed", failure: { code } });
    expect(JSON.stringify(state)).not.toContain("secret");
    expect(texts).toEqual(["Hello", "Well, "]);
  });

  test("an answer without end fails the turn", async ({ expect }) => {
    await using opened = await openRun({
      steps: [
        async function* () {
          for (;;) yield say("and on ");
        },
      ],
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.stored(turn).state).toMatchObject({ failure: { code: "LLM_BAD_ANSWER" } });
  });

  test("a store that is away for a while is waited for, and nothing is lost", async ({
    expect,
  }) => {
    await using opened = await openRun({
      steps: [
        async function* () {
          yield say("Still here");
          opened.store.breakWrites(true);
          yield finish;
        },
      ],
    });
    const turn = await opened.store.accept();
    const running = opened.run(turn);
    await expect.poll(() => opened.kinds().at(-1)).toBe("text-ended");
    expect(opened.stored(turn).state).toMatchObject({ kind: "running" });
    opened.store.breakWrites(false);
    await running;
    const { state, texts } = opened.stored(turn);
    expect(state).toMatchObject({ kind: "completed" });
    expect(texts).toEqual(["Hello", "Still here"]);
  });

  test("a call that changes something is on record before it is made", async ({ expect }) => {
    await using opened = await openRun({
      steps: [
        [call("c1", "box.put", { n: 1 }), finish],
        [say("Done."), finish],
      ],
    });
    const turn = await opened.store.accept();
    // What is thrown in a tool is the tool's own failure: it is compared when the turn has ended.
    const before: unknown[] = [];
    opened.answerWith(async ({ input }) => {
      before.push(opened.store.writes.slice(-2), opened.stored(turn).messages.at(-1)?.parts);
      return { kind: "ok", output: input };
    });
    await opened.run(turn);
    expect(before).toMatchObject([["accept", "save"], [{ kind: "tool-call" }]]);
    expect(opened.calls).toHaveLength(1);
    expect(opened.stored(turn).state).toMatchObject({ kind: "completed" });
  });

  test("a call that changes something is never made again after a crash", async ({ expect }) => {
    await using opened = await openRun({
      steps: [
        [call("c1", "box.put"), finish],
        [say("I cannot tell."), finish],
      ],
    });
    const turn = await opened.store.accept();
    opened.answerWith(() => new Promise(() => {}));
    // The run that crashes: it never comes back from its call.
    void opened.run(turn);
    await expect.poll(() => opened.calls.length).toBe(1);
    const crashed = opened.shown.splice(0);
    const again = { ...turn, ...(await opened.takeOver(turn)) };
    await opened.run(again);
    expect(opened.calls).toHaveLength(1);
    expect(again).toMatchObject({ attempt: 2, headSeq: crashed.length });
    expect(opened.requests[1]?.messages.at(-1)?.parts).toMatchObject([
      { kind: "tool-result", toolCallId: "c1", outcome: { kind: "error", code: "interrupted" } },
    ]);
    const { texts, events } = opened.stored(turn);
    expect(texts).toEqual(["Hello", "I cannot tell."]);
    expect(events).toMatchObject({ events: [...crashed, ...opened.shown] });
  });

  test("a run that lost its turn to another writes nothing", async ({ expect }) => {
    await using opened = await openRun({
      steps: [
        async function* () {
          yield say("Too late");
          await opened.takeOver(turn);
          yield finish;
        },
      ],
    });
    const turn = await opened.store.accept();
    expect(await opened.run(turn)).toEqual({ kind: "fenced" });
    const { state, texts } = opened.stored(turn);
    expect(state).toMatchObject({ kind: "running" });
    expect(texts).toEqual(["Hello"]);
  });

  test("a history that cannot be read is waited for", async ({ expect }) => {
    await using opened = await openRun({ steps: [[say("Back"), finish]] });
    const turn = await opened.store.accept();
    const mend = opened.breakReads();
    const running = opened.run({ ...turn, ...AS_LATER });
    await expect.poll(() => opened.historyReads()).toBeGreaterThan(1);
    expect(opened.shown).toEqual([]);
    mend();
    expect(await running).toMatchObject({ kind: "ended" });
    expect(opened.stored(turn).texts).toEqual(["Hello", "Back"]);
  });

  test.for([ABANDONED, CANCELLED])(
    "a history that cannot be read is waited for no longer when the turn is %s",
    async (reason, { expect }) => {
      await using opened = await openRun({ steps: [] });
      const turn = await opened.store.accept();
      opened.breakReads();
      const stop = new AbortController();
      const running = opened.run({ ...turn, ...AS_LATER }, stop.signal);
      await expect.poll(() => opened.historyReads()).toBe(1);
      stop.abort(reason);
      expect(await running).toEqual({ kind: "fenced" });
      expect(opened.stored(turn).state).toMatchObject({ kind: "running" });
    },
  );

  test("an error that is no news of the end is heard of though the turn is given up", async ({
    expect,
  }) => {
    await using opened = await openRun({ steps: [] });
    const turn = await opened.store.accept();
    const bug = new TypeError("Cannot read properties of undefined");
    opened.breakReads(bug);
    const running = opened.run({ ...turn, ...AS_LATER }, AbortSignal.abort(ABANDONED));
    await expect(running).rejects.toBe(bug);
  });

  test("a history that can never be read counts as an attempt when the time is up", async ({
    expect,
  }) => {
    await using opened = await openRun({ steps: [], limits: { turnTimeoutMs: 600 } });
    const turn = await opened.store.accept();
    opened.breakReads();
    expect(await opened.run({ ...turn, ...AS_LATER })).toEqual({ kind: "fenced" });
    expect(opened.historyReads()).toBe(2);
    expect(await opened.takeOver(turn)).toMatchObject({ attempt: 2 });
  });

  test("a turn that runs for long stores how long it does, and nothing else", async ({
    expect,
  }) => {
    const said = Promise.withResolvers<void>();
    await using opened = await openRun({
      steps: [
        async function* () {
          yield say("Once");
          await said.promise;
          yield say(" more");
          yield finish;
        },
      ],
    });
    const turn = await opened.store.accept();
    const running = opened.run(turn);
    await expect.poll(() => opened.kinds()).toContain("text-delta");
    opened.setTime(2_300);
    const spent = async () => {
      const { turnId, sessionId, userId } = turn;
      return (await opened.spend.read({ turnId, sessionId, userId, day: "1970-01-01" })).turn;
    };
    await expect.poll(async () => (await spent()).wallMs).toBe(2_299);
    expect(opened.stored(turn)).toMatchObject({ texts: ["Hello"], events: { events: [] } });
    said.resolve();
    await running;
    expect(opened.stored(turn).texts).toEqual(["Hello", "Once more"]);
    expect((await spent()).wallMs).toBe(2_299);
  });

  test("the model gets what fits into the budget, the latest turns whole", async ({ expect }) => {
    await using opened = await openRun({
      steps: Array.from({ length: 3 }, (_, at) => [say(`Answer ${at}`), finish]),
      contextTokens: 30,
    });
    const first = await opened.store.accept({ text: "x".repeat(100) });
    await opened.run(first);
    for (const text of ["Second", "Third"]) {
      const { headSeq } = opened.store.reader.findSession(first.sessionId) ?? { headSeq: 0 };
      const turn = await opened.store.accept({ sessionId: first.sessionId, text });
      await opened.run({ ...turn, headSeq });
    }
    const told = opened.requests.at(-1)?.messages.map(textOf) ?? [];
    expect(told.at(-1)).toBe("Third");
    expect(told.join()).not.toContain("xxxx");
  });
});
