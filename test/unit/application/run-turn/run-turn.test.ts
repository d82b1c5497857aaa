import { describe, test } from "vitest";
import { createToolRunner } from "#application/invoke-skill/invoke-skill.ts";
import type { Llm, LlmEvent, LlmRequest } from "#application/ports/llm.ts";
import type { Logger } from "#application/ports/logger.ts";
import type { Sandbox, SandboxCall, SandboxResult } from "#application/ports/sandbox.ts";
import { CANCELLED, createRunTurn, type RunLimits } from "#application/run-turn/run-turn.ts";
import { SessionHistory } from "#application/run-turn/session-history.ts";
import { textOf } from "#domain/message/message.ts";
import { Fault } from "#domain/shared/fault.ts";
import { parseToolCallId } from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { Skill, ToolEffect } from "#domain/skill/skill.ts";
import { NO_USAGE } from "#domain/task/task.ts";
import type { NumberedEvent } from "#domain/turn/turn-event.ts";
import type { QueuedTurn } from "#domain/turn/turn-log.ts";
import { newId } from "#infrastructure/ids/ids.ts";
import { openTurnStore, type SyncReader } from "../../../support/turn-store.ts";

const silent: Logger = { error() {}, warn() {}, info() {}, debug() {} };

/** What a model says in one step; a function says it with the signal at hand. */
type Step = readonly LlmEvent[] | ((signal: AbortSignal) => AsyncIterable<LlmEvent>);

const say = (delta: string): LlmEvent => ({ kind: "text", delta });
const finish: LlmEvent = {
  kind: "finished",
  reason: "stop",
  usage: { inputTokens: 1, outputTokens: 1 },
};
const call = (id: string, name: string, value: JsonValue = {}): LlmEvent => ({
  kind: "tool-call",
  toolCallId: parseToolCallId(id),
  name,
  input: { kind: "json", value },
});

const LIMITS: RunLimits = {
  maxSteps: 4,
  contextTokens: 1_000,
  turnTimeoutMs: 10_000,
  maxAnswerChars: 100,
};

const tool = (name: string, effects: readonly ToolEffect[]) => ({
  name,
  description: name,
  inputSchema: { type: "object" },
  effects,
  examples: [],
});
const SKILL: Skill = {
  name: "box",
  version: "1.0.0",
  description: "A box",
  digest: "sha256:box",
  tools: [tool("look", ["read"]), tool("put", ["write"])],
};

async function openRun({ steps, limits = {} }: { steps: Step[]; limits?: Partial<RunLimits> }) {
  const store = await openTurnStore();
  const requests: LlmRequest[] = [];
  const llm: Llm = {
    name: "test/script",
    async *stream(request, signal) {
      const step = steps[requests.push(request) - 1] ?? [];
      yield* typeof step === "function" ? step(signal) : step;
    },
  };
  let readHistory: SyncReader["listHistory"] = (...turn) => store.reader.listHistory(...turn);
  const calls: SandboxCall[] = [];
  let answer = async (made: SandboxCall): Promise<SandboxResult["outcome"]> => ({
    kind: "ok",
    output: { tool: made.tool, input: made.input },
  });
  const sandbox: Sandbox = {
    listSkills: () => [SKILL],
    invoke: async (made) => {
      calls.push(made);
      const outcome = await answer(made);
      return { outcome, usage: NO_USAGE, skillDigest: SKILL.digest, policyHash: "p1" };
    },
  };
  const shown: NumberedEvent[] = [];
  const nowMs = () => 1;
  const runTurn = createRunTurn({
    llm,
    turns: store.turns,
    history: new SessionHistory({ read: async (...turn) => readHistory(...turn) }),
    listSkills: () => sandbox.listSkills(),
    tools: createToolRunner({ sandbox, newId, nowMs }),
    show: (_dispatch, events) => shown.push(...events),
    newId,
    nowMs,
    log: silent,
    limits: { ...LIMITS, ...limits },
  });
  /** Takes a turn from whoever had it, for a run of its own. */
  const takeOver = async ({ turnId, sessionId }: QueuedTurn) => {
    const { instanceId } = store.owner;
    const { epoch = 0 } = await store.turns.recover({ instanceId, turnIds: [turnId], nowMs: 2 });
    const owner = { instanceId, epoch };
    const [claimed] = await store.turns.claim({ owner, limit: 1, sessionId, nowMs: 2 });
    return { ...claimed, epoch };
  };
  return {
    takeOver,
    store,
    requests,
    calls,
    shown,
    kinds: () => shown.map(({ event }) => event.kind),
    answerWith: (next: typeof answer) => {
      answer = next;
    },
    breakReads: () => {
      readHistory = () => {
        throw new Fault("STORE_UNAVAILABLE", "Cannot read: the disk is gone");
      };
    },
    run: async (turn: QueuedTurn, signal = new AbortController().signal, isCancelled = false) => {
      return runTurn({ epoch: store.owner.epoch, isCancelled, ...turn }, signal);
    },
    /** What a reader finds of a turn: its messages, and its state. */
    stored: ({ sessionId, turnId }: QueuedTurn) => ({
      state: store.reader.findTurn(turnId)?.state,
      messages: store.reader
        .listMessages({ sessionId, limit: 100 })
        .map(({ role, parts }) => ({ role, parts })),
      texts: store.reader.listMessages({ sessionId, limit: 100 }).map(textOf).filter(Boolean),
      events: store.reader.readEvents({ sessionId, after: 0, limit: 1_000 }),
    }),
    [Symbol.asyncDispose]: store[Symbol.asyncDispose],
  };
}

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
      limits: { turnTimeoutMs: 30 },
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    const { state, texts } = opened.stored(turn);
    expect(state).toMatchObject({ kind: "failed", failure: { code: "TURN_TIMEOUT" } });
    expect(texts).toEqual(["Hello", "Once upon"]);
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
    expect(opened.kinds().slice(-2)).toEqual(["text-ended", "turn-cancelled"]);
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
    opened.answerWith(async ({ input }) => {
      expect(opened.store.writes.slice(-2)).toEqual(["accept", "save"]);
      expect(opened.stored(turn).messages.at(-1)?.parts).toMatchObject([{ kind: "tool-call" }]);
      return { kind: "ok", output: input };
    });
    await opened.run(turn);
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

  test("a history that cannot be read counts as an attempt", async ({ expect }) => {
    await using opened = await openRun({ steps: [] });
    const turn = await opened.store.accept();
    opened.breakReads();
    // Anything but the first turn of a session reads what there was before.
    await expect(opened.run({ ...turn, headSeq: 1 })).rejects.toThrow("the disk is gone");
    expect(await opened.takeOver(turn)).toMatchObject({ attempt: 2 });
  });

  test("the model gets what fits into the budget, the latest turns whole", async ({ expect }) => {
    await using opened = await openRun({
      steps: Array.from({ length: 3 }, (_, at) => [say(`Answer ${at}`), finish]),
      limits: { contextTokens: 30 },
    });
    const first = await opened.store.accept({ text: "x".repeat(100) });
    await opened.run(first);
    for (const text of ["Second", "Third"]) {
      const { headSeq } = opened.store.reader.findSession(first.sessionId) ?? { headSeq: 0 };
      const turn = await opened.store.accept({ sessionId: first.sessionId, text });
      await opened.run({ ...turn, headSeq });
    }
    expect(opened.requests.at(-1)?.messages.map(textOf)).toEqual(["Second", "Answer 1", "Third"]);
  });
});

async function* sayUntilAborted(text: string, signal: AbortSignal): AsyncIterable<LlmEvent> {
  yield say(text);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
}
