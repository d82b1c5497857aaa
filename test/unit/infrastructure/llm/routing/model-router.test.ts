import { describe, test } from "vitest";
import type { LlmEvent, LlmRequest } from "#application/ports/llm.ts";
import { Fault, type FaultCode } from "#domain/shared/fault.ts";
import { parseToolCallId } from "#domain/shared/id.ts";
import { ModelRouter } from "#infrastructure/llm/routing/model-router.ts";
import {
  type ModelSettings,
  modelSettingsSchema,
} from "#infrastructure/llm/routing/model-settings.ts";
import { message, request } from "../../../../contract/llm.ts";
import { type Scripted, ScriptedModels } from "../../../../support/fakes/scripted-models.ts";
import { VirtualTime } from "../../../../support/virtual-time.ts";

const usage = { inputTokens: 7, outputTokens: 3 };
const text = (delta: string): LlmEvent => ({ kind: "text", delta });
const finished: LlmEvent = { kind: "finished", reason: "stop", usage };
const answer: Scripted = { says: [text("hello"), finished] };
const call: LlmEvent = {
  kind: "tool-call",
  toolCallId: parseToolCallId("call_1"),
  name: "calculator.evaluate",
  input: { kind: "json", value: { expression: "2+2" } },
};

const ONE = "openai/one";
const TWO = "anthropic/two";
const THREE = "offline/rules";
const chain = { fallbacks: { [ONE]: [TWO, THREE] } };

describe("ModelRouter: one model", () => {
  test("passes the answer on and says who gave it; tool calls come when it is whole", async ({
    expect,
  }) => {
    const { ask } = create({ [ONE]: [{ says: [call, text("hello"), finished] }] });
    expect(await ask()).toEqual([text("hello"), call, { ...finished, model: ONE }]);
  });

  test("answers by the model or alias of the request, else by the default", async ({ expect }) => {
    const scripts = { [ONE]: [answer], [TWO]: [answer] };
    const { ask, models } = create(scripts, { aliases: { fast: TWO } });
    await ask();
    await ask({ model: "fast" });
    expect(models.asked.map(({ model }) => model)).toEqual([ONE, TWO]);
    await expect(ask({ model: "slow" })).rejects.toMatchObject({ code: "LLM_REFUSED" });
  });

  test("asks nobody where a model was chosen that may be chosen no more", async ({ expect }) => {
    const scripts = { [ONE]: [answer], [TWO]: [answer] };
    const { ask, models, change } = create(scripts, { allow: [TWO] });
    await ask({ model: TWO });
    change({ allow: [], aliases: { mine: TWO } });
    for (const model of [TWO, "mine"]) {
      await expect(ask({ model })).rejects.toMatchObject({
        code: "LLM_NOT_ALLOWED",
        message: expect.stringContaining(`Model "${model}" may not be chosen any more`),
      });
    }
    await ask({ model: ONE });
    await ask();
    expect(models.asked.map(({ model }) => model)).toEqual([TWO, ONE, ONE]);
  });

  test("falls back to models that nobody may choose", async ({ expect }) => {
    const scripts = { [ONE]: [fails("LLM_UNAUTHORIZED")], [TWO]: [answer] };
    const { ask, models } = create(scripts, { ...chain, allow: [] });
    expect((await ask()).at(-1)).toMatchObject({ kind: "finished", model: TWO });
    expect(models.asked).toHaveLength(2);
  });

  test("tells each model of a chain how much to think, but where the request says it", async ({
    expect,
  }) => {
    const scripts = { [ONE]: [fails("LLM_UNAUTHORIZED")], [TWO]: [answer], [THREE]: [answer] };
    const reasoning = { [ONE]: "high", [TWO]: "low" };
    const { ask, models } = create(scripts, { ...chain, reasoning });
    await ask();
    await ask({ model: TWO, reasoning: "none" });
    await ask({ model: THREE });
    const told = models.asked.map(({ model, request: { reasoning: much } }) => [model, much]);
    expect(told).toEqual([
      [ONE, "high"],
      [TWO, "low"],
      [TWO, "none"],
      [THREE, undefined],
    ]);
  });

  test("repeats what failed, each time after a longer wait, and then gives up", async ({
    expect,
  }) => {
    const { ask, time, models } = create({ [ONE]: [fails("LLM_UNAVAILABLE")] });
    const asking = ask();
    const caught = asking.catch((error: unknown) => error);
    await time.run(60_000);
    expect(await caught).toMatchObject({ code: "LLM_UNAVAILABLE", message: "LLM_UNAVAILABLE" });
    expect(models.asked).toHaveLength(3);
    expect(seen(asking.events)).toEqual([`${ONE} 250`, `${ONE} 500`, "usage"]);
  });

  test("marks what was said before a failure and begins anew: no text is doubled", async ({
    expect,
  }) => {
    const cut = { says: [text("hel"), call], fails: new Fault("LLM_BAD_ANSWER", "cut") };
    const { ask, time } = create({ [ONE]: [cut, answer] });
    const asking = ask();
    await time.run(1_000);
    const [first, failed, ...rest] = await asking;
    expect(first).toEqual(text("hel"));
    expect(failed).toMatchObject({
      kind: "attempt-failed",
      model: ONE,
      failure: { code: "LLM_BAD_ANSWER", message: "cut" },
      usage: { isEstimated: true },
      next: { model: ONE, waitMs: 250 },
    });
    // The call of the failed attempt is not among what follows.
    expect(rest).toEqual([text("hello"), { ...finished, model: ONE }]);
  });

  test("counts what a failed attempt took: as said, else about, nothing where nothing came", async ({
    expect,
  }) => {
    const said = { kind: "usage", usage: { inputTokens: 50, outputTokens: 40 } } as const;
    const { ask, time } = create(
      {
        [ONE]: [
          fails("LLM_UNAVAILABLE"),
          { says: [said, text("x")], fails: new Fault("LLM_BAD_ANSWER", "cut") },
          { says: [text("x".repeat(400))], fails: new Fault("LLM_BAD_ANSWER", "cut") },
          { says: [said, text("x".repeat(400))], fails: new Fault("LLM_BAD_ANSWER", "cut") },
          fails("LLM_TIMEOUT"),
          answer,
        ],
      },
      { limits: { retries: 9, breaker: { failures: 100 } } },
    );
    const asking = ask();
    await time.run(60_000);
    const taken = (await asking).flatMap((e) => (e.kind === "attempt-failed" ? [e.usage] : []));
    expect(taken).toMatchObject([
      { inputTokens: 0, outputTokens: 0 },
      { inputTokens: 50, outputTokens: 40 },
      { outputTokens: 100, isEstimated: true },
      { inputTokens: 50, outputTokens: 100, isEstimated: true },
      { outputTokens: 0, isEstimated: true },
    ]);
    expect(taken.at(-1)?.inputTokens).toBeGreaterThan(10);
  });

  test("counts about where a service says nothing of what an answer took", async ({ expect }) => {
    const silent = { ...finished, usage: { inputTokens: 0, outputTokens: 0 } };
    const { ask } = create({ [ONE]: [{ says: [text("x".repeat(40)), silent] }] });
    expect((await ask()).at(-1)).toMatchObject({ usage: { outputTokens: 10, isEstimated: true } });
  });

  test("waits as long as the service asks for", async ({ expect }) => {
    const { ask, time } = create({ [ONE]: [fails("LLM_RATE_LIMITED", 7_000), answer] });
    const asking = ask();
    await time.run(6_999);
    expect(seen(asking.events)).toEqual([`${ONE} 7000`]);
    await time.run(1);
    expect(seen(await asking)).toEqual([`${ONE} 7000`, "text", "finished"]);
  });

  test("says the time where the service asks for more than is waited", async ({ expect }) => {
    const { ask, models } = create({ [ONE]: [fails("LLM_RATE_LIMITED", 90_000)] });
    await expect(ask()).rejects.toThrow("LLM_RATE_LIMITED; it may be asked again in 90 s");
    await expect(ask()).rejects.toThrow("asked for a pause; it may be asked again in 90 s");
    expect(models.asked).toHaveLength(1);
  });

  test("never repeats a request that was refused as it is, and lets bugs through", async ({
    expect,
  }) => {
    const refused = create({ [ONE]: [fails("LLM_REFUSED")] }, chain);
    await expect(refused.ask()).rejects.toMatchObject({ code: "LLM_REFUSED" });
    expect(refused.models.asked).toHaveLength(1);
    const bug = create({ [ONE]: [{ fails: new TypeError("a bug") }] }, chain);
    await expect(bug.ask()).rejects.toThrow(TypeError);
  });

  test("takes an answer that just ends for one that was cut off", async ({ expect }) => {
    const { ask } = create({ [ONE]: [{ says: [text("x")] }] }, { limits: { retries: 0 } });
    await expect(ask()).rejects.toMatchObject({ code: "LLM_BAD_ANSWER" });
  });
});

describe("ModelRouter: fallbacks", () => {
  test("goes through a chain of three", async ({ expect }) => {
    const { ask } = create(
      { [ONE]: [fails("LLM_TIMEOUT")], [TWO]: [fails("LLM_UNAUTHORIZED")], [THREE]: [answer] },
      chain,
    );
    const events = await ask();
    expect(seen(events)).toEqual([`${TWO} 0`, `${THREE} 0`, "text", "finished"]);
    expect(events.at(-1)).toMatchObject({ model: THREE });
  });

  test("throws the last one's failure where all of the chain fail", async ({ expect }) => {
    const { ask } = create(
      {
        [ONE]: [fails("LLM_TIMEOUT")],
        [TWO]: [fails("LLM_RATE_LIMITED", 99_000)],
        [THREE]: [fails("LLM_UNAUTHORIZED")],
      },
      chain,
    );
    await expect(ask()).rejects.toMatchObject({ code: "LLM_UNAUTHORIZED" });
  });

  test("asks before each further attempt what it may take", async ({ expect }) => {
    const scripts = { [ONE]: [fails("LLM_TIMEOUT")], [TWO]: [answer] };
    const { ask, models } = create(scripts, chain);
    const asked: string[] = [];
    const admitNext = async (model: string) => {
      asked.push(model);
      return { maxOutputTokens: 5 };
    };
    await ask({ maxOutputTokens: 9, admitNext });
    expect(asked).toEqual([TWO]);
    expect(models.asked.map((each) => each.request.maxOutputTokens)).toEqual([9, 5]);
    const refuse = () => Promise.reject(new Fault("LLM_REFUSED", "no money"));
    await expect(ask({ admitNext: refuse })).rejects.toThrow("no money");
    expect(models.asked).toHaveLength(3);
  });
});

describe("ModelRouter: keys", () => {
  test("takes the next key at once, and leaves the refused one out for a while", async ({
    expect,
  }) => {
    const scripts = { [ONE]: [fails("LLM_UNAUTHORIZED"), answer] };
    const { ask, models, time } = create(scripts, {}, ["k1", "k2"]);
    expect(seen(await ask())).toEqual([`${ONE} 0`, "text", "finished"]);
    await ask();
    await time.run(300_000);
    await ask();
    expect(models.asked.map(({ key }) => key)).toEqual(["k1", "k2", "k2", "k1"]);
  });

  test("waits for the key that is free first where all are limited", async ({ expect }) => {
    const scripts = {
      [ONE]: [fails("LLM_RATE_LIMITED", 9_000), fails("LLM_RATE_LIMITED", 4_000), answer],
    };
    const { ask, models, time } = create(scripts, {}, ["k1", "k2"]);
    const asking = ask();
    await time.run(4_000);
    expect(seen(await asking)).toEqual([`${ONE} 0`, `${ONE} 4000`, "text", "finished"]);
    expect(models.asked.map(({ key }) => key)).toEqual(["k1", "k2", "k2"]);
  });

  test("fails when every key is refused", async ({ expect }) => {
    const { ask, models } = create({ [ONE]: [fails("LLM_UNAUTHORIZED")] }, {}, ["k1", "k2"]);
    await expect(ask()).rejects.toMatchObject({ code: "LLM_UNAUTHORIZED" });
    expect(models.asked).toHaveLength(2);
  });

  test("does not go round keys without end where a service limits them for no time", async ({
    expect,
  }) => {
    const scripts = { [ONE]: [fails("LLM_RATE_LIMITED", 0)] };
    const { ask, models, time } = create(scripts, {}, ["k1", "k2"]);
    const caught = ask().catch((error: unknown) => error);
    await time.run(60_000);
    expect(await caught).toMatchObject({ code: "LLM_RATE_LIMITED" });
    expect(models.asked.length).toBeLessThan(10);
  });
});

describe("ModelRouter: breaker", () => {
  const limits = { retries: 0, breaker: { failures: 2, withinMs: 60_000, pauseMs: 30_000 } };

  test("leaves a model alone that failed too often, then lets one probe through", async ({
    expect,
  }) => {
    const scripts = {
      [ONE]: [fails("LLM_UNAVAILABLE"), fails("LLM_UNAVAILABLE"), answer],
    };
    const { ask, models, time } = create(scripts, { limits });
    for (const _ of [1, 2]) await expect(ask()).rejects.toMatchObject({ code: "LLM_UNAVAILABLE" });
    await expect(ask()).rejects.toMatchObject({
      code: "LLM_PAUSED",
      message: `Model "${ONE}" failed too often and is left alone for 30 s`,
    });
    expect(models.asked).toHaveLength(2);
    await time.run(30_000);
    expect(seen(await ask())).toEqual(["text", "finished"]);
    expect(seen(await ask())).toEqual(["text", "finished"]);
  });

  test("goes to the fallback at once while a model is left alone", async ({ expect }) => {
    const scripts = { [ONE]: [fails("LLM_UNAVAILABLE")], [TWO]: [answer] };
    const { ask, models } = create(scripts, { limits, ...chain });
    for (const _ of [1, 2, 3]) await ask();
    expect(models.asked.map(({ model }) => model)).toEqual([ONE, TWO, ONE, TWO, TWO]);
  });

  test("does not count refused or limited keys", async ({ expect }) => {
    const scripts = {
      [ONE]: [fails("LLM_UNAUTHORIZED"), fails("LLM_UNAUTHORIZED"), fails("LLM_REFUSED"), answer],
    };
    const { ask } = create(scripts, { limits });
    for (const _ of [1, 2, 3]) await ask().catch(() => undefined);
    expect(seen(await ask())).toEqual(["text", "finished"]);
  });
});

describe("ModelRouter: many names", () => {
  const limits = { retries: 0, breaker: { failures: 2, withinMs: 60_000, pauseMs: 30_000 } };
  const INVENTED = Array.from({ length: 1_100 }, (_, id) => `openai/invented-${id}`);
  const refused = Object.fromEntries(INVENTED.map((model) => [model, [fails("LLM_REFUSED")]]));

  test("leave a model alone that is to be left alone, however many are invented", async ({
    expect,
  }) => {
    const down = [fails("LLM_UNAVAILABLE"), fails("LLM_UNAVAILABLE"), answer];
    const { ask } = create({ [ONE]: down, ...refused }, { limits });
    for (const _ of [1, 2]) await expect(ask()).rejects.toMatchObject({ code: "LLM_UNAVAILABLE" });
    for (const model of INVENTED) {
      await expect(ask({ model })).rejects.toMatchObject({ code: "LLM_REFUSED" });
    }
    await expect(ask()).rejects.toMatchObject({ code: "LLM_PAUSED" });
  });

  test("do not have failures forgotten that are not too many yet", async ({ expect }) => {
    const down = [fails("LLM_UNAVAILABLE"), fails("LLM_UNAVAILABLE"), answer];
    const { ask } = create({ [ONE]: down, ...refused }, { limits });
    await expect(ask()).rejects.toMatchObject({ code: "LLM_UNAVAILABLE" });
    for (const model of INVENTED) await ask({ model }).catch(() => undefined);
    await expect(ask()).rejects.toMatchObject({ code: "LLM_UNAVAILABLE" });
    await expect(ask()).rejects.toMatchObject({ code: "LLM_PAUSED" });
  });
});

describe("ModelRouter: places", () => {
  test("asks so many at once; the next one waits for its place", async ({ expect }) => {
    const { ask, models, time } = create(
      { [ONE]: [{ hangs: true }, { hangs: true }, answer] },
      { limits: { concurrency: { openai: 2 } } },
    );
    const abort = new AbortController();
    const first = ask({}, abort.signal);
    const second = ask();
    const third = ask();
    await time.run(1_000);
    expect([models.running, third.events.length]).toEqual([2, 0]);
    abort.abort();
    expect(seen(await first)).toEqual(["usage"]);
    expect(seen(await third)).toEqual(["text", "finished"]);
    second.stop();
  });

  test("says so where there is no place in time, and takes the fallback where there is one", async ({
    expect,
  }) => {
    const limits = { concurrency: { openai: 1 }, queueMs: 5_000, queue: 1 };
    const scripts = { [ONE]: [{ hangs: true }], [TWO]: [answer] };
    const alone = create(scripts, { limits });
    const running = alone.ask();
    const waiting = alone.ask().catch((error: unknown) => error);
    await alone.time.run(10);
    await expect(alone.ask()).rejects.toThrow('1 others wait for "openai"');
    await alone.time.run(5_000);
    expect(await waiting).toMatchObject({
      code: "LLM_RATE_LIMITED",
      message: expect.stringContaining('no place at "openai" within 5 s'),
    });
    running.stop();
    const chained = create(scripts, { limits, ...chain });
    const other = chained.ask();
    const moved = chained.ask();
    await chained.time.run(5_000);
    expect(seen(await moved)).toEqual([`${TWO} 0`, "text", "finished"]);
    other.stop();
  });
});

describe("ModelRouter: aborts", () => {
  test("gives nothing where the signal is aborted already", async ({ expect }) => {
    const { ask, models } = create({ [ONE]: [answer] });
    expect(await ask({}, AbortSignal.abort())).toEqual([]);
    expect(models.asked).toEqual([]);
  });

  test("ends in mid-answer, in a wait and in a queue, and says what was taken", async ({
    expect,
  }) => {
    const abort = new AbortController();
    const { ask, time } = create(
      { [ONE]: [fails("LLM_RATE_LIMITED", 9_000)], [TWO]: [{ says: [text("hel")], hangs: true }] },
      { limits: { concurrency: { anthropic: 1 } } },
    );
    const waits = ask({}, abort.signal);
    const answers = ask({ model: TWO }, abort.signal);
    const queues = ask({ model: TWO }, abort.signal);
    await time.run(100);
    abort.abort();
    expect(seen(await waits)).toEqual([`${ONE} 9000`]);
    expect(await answers).toMatchObject([
      text("hel"),
      { kind: "usage", usage: { outputTokens: 1 } },
    ]);
    expect(await queues).toEqual([]);
  });
});

test("ModelRouter goes by new settings from the next request on", async ({ expect }) => {
  const { ask, models, change } = create({ [ONE]: [answer], [TWO]: [answer] });
  await ask();
  change({ aliases: { fast: TWO } });
  await ask({ model: "fast" });
  expect(models.asked.map(({ model }) => model)).toEqual([ONE, TWO]);
});

interface Asking extends Promise<readonly LlmEvent[]> {
  readonly events: readonly LlmEvent[];
  readonly stop: () => void;
}

function create(
  scripts: Readonly<Record<string, readonly Scripted[]>>,
  given: Record<string, unknown> = {},
  keys: readonly string[] = ["key"],
) {
  const models = new ScriptedModels(scripts);
  const time = new VirtualTime();
  let settings: ModelSettings = modelSettingsSchema.parse(given);
  const router = new ModelRouter({
    settings: () => settings,
    defaultModel: () => ONE,
    openModel: models.open,
    keysOf: () => keys,
    nowMs: time.nowMs,
    after: time.after,
    random: () => 0.5,
  });
  const question = request([message("user", { kind: "text", text: "hello" })]);
  const ask = (more: Partial<LlmRequest> = {}, signal?: AbortSignal): Asking => {
    const events: LlmEvent[] = [];
    const stopped = new AbortController();
    const collect = async () => {
      const stream = router.stream({ ...question, ...more }, signal ?? stopped.signal);
      for await (const event of stream) events.push(event);
      return events;
    };
    return Object.assign(collect(), { events, stop: () => stopped.abort() });
  };
  const change = (next: Record<string, unknown>) => {
    settings = modelSettingsSchema.parse(next);
  };
  return { ask, models, time, change };
}

function fails(code: FaultCode, retryAfterMs?: number): Scripted {
  return { fails: new Fault(code, code, { retryAfterMs }) };
}

/** The kinds of events; of failed attempts, who is next and when. */
function seen(events: readonly LlmEvent[]): readonly string[] {
  return events.map((event) =>
    event.kind === "attempt-failed" ? `${event.next.model} ${event.next.waitMs}` : event.kind,
  );
}
