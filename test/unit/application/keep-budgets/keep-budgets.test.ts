import { describe, test, vi } from "vitest";
import {
  type BudgetSettings,
  budgetSettingsSchema,
} from "#application/keep-budgets/budget-settings.ts";
import { createTurnBudget } from "#application/keep-budgets/keep-budgets.ts";
import type { BudgetAnswer } from "#application/ports/turn-budget.ts";
import type { TurnDispatch } from "#application/ports/turn-runner.ts";
import { Fault } from "#domain/shared/fault.ts";
import {
  parseMessageId,
  parseModelCallId,
  parseSessionId,
  parseTurnId,
  parseUserId,
} from "#domain/shared/id.ts";
import { addSpend, NO_SPEND, type Spend } from "#domain/spend/budget.ts";
import type { ModelInput } from "#domain/spend/estimate-tokens.ts";
import type { ModelCall } from "#domain/spend/model-call.ts";
import type { ModelPrice } from "#domain/spend/price.ts";
import { messageOf } from "../../../support/agent-store.ts";
import { MemorySpends } from "../../../support/fakes/memory-spends.ts";
import { createMemoryLog } from "../../../support/memory-log.ts";

const NOW_MS = Date.UTC(2026, 10, 26, 12);
/** A dollar for a million tokens read, two for a million written. */
const price = { input: 1, output: 2 };
/** Counted with the margin: 100 tokens. */
const INPUT = { inputTokens: 28, counted: 99 };
const IMAGE_TOKENS = 2_000;
const NOTHING: ModelInput = { system: "", messages: [], skills: [] };

describe("createTurnBudget()", () => {
  test("lets all pass without a word where nobody is held to anything", ({ expect }) => {
    const { budget, spends, attempt } = create({});
    expect(budget.admit(attempt())).toEqual({ kind: "admitted" });
    expect(spends.calls.size).toBe(0);
  });

  test("sets aside what a call may take, and keeps its answer to what is left", async ({
    expect,
  }) => {
    const { ask, spends, answered } = create({ turn: { tokens: 1_000 } });
    expect(await ask()).toEqual({ kind: "admitted", maxOutputTokens: 1_000 - INPUT.counted });
    expect([...spends.calls.values()]).toMatchObject([
      { usage: { inputTokens: INPUT.counted, outputTokens: 901 }, costNanoUsd: 1_901_000 },
    ]);
    answered({ inputTokens: 30, outputTokens: 770 });
    expect(await ask()).toEqual({ kind: "admitted", maxOutputTokens: 200 - INPUT.counted });
    answered({ inputTokens: 30, outputTokens: 60 });
    expect(await ask()).toEqual(
      refused("this turn", "890 of 1000 tokens are spent; the next message has its own"),
    );
  });

  test("sets aside for pictures and dense scripts what they take at most", async ({ expect }) => {
    const parts = [
      { kind: "text", text: "魑魅魍魎".repeat(250) },
      { kind: "image", mediaType: "image/png", data: "iVBORw0KGgo=" },
    ] as const;
    const turn = { turnId: parseTurnId("turn-1"), sessionId: parseSessionId("session-1") };
    const message = messageOf(turn, "user", parts);
    const { ask, spends } = create({ turn: { tokens: 10_000 } });
    await ask({ input: { system: "", messages: [message], skills: [] } });
    const [call] = spends.calls.values();
    const most = 4 + 1_000 * 3 + IMAGE_TOKENS;
    expect(call?.usage.inputTokens).toBe(Math.ceil(most * 1.25) + 64);
  });

  test("counts money by the price of the model, all input as the dearest", async ({ expect }) => {
    const { ask } = create({ session: { usd: 0.001 } }, { price: { ...price, cacheWrite: 5 } });
    // 99 tokens read at 5,000 billionths, the rest written at 2,000.
    const left = Math.floor((1_000_000 - 99 * 5_000) / 2_000);
    expect(await ask()).toEqual({ kind: "admitted", maxOutputTokens: left });
    expect(await ask({ turnId: "turn-2" })).toEqual(
      refused("this session", "$0.000999 of $0.001 are spent; another session has its own"),
    );
  });

  test("refuses a model without a price where any budget is in money", async ({ expect }) => {
    const roles = { member: { user: { usd: 100 } } };
    for (const given of [{ session: { usd: 0.001 } }, { roles }]) {
      const { ask, spends } = create(given, { price: undefined });
      expect(await ask()).toMatchObject({
        kind: "refused",
        failure: {
          code: "BUDGET_EXCEEDED",
          message: expect.stringContaining("it has no price; add it to models.yaml"),
        },
      });
      expect(spends.calls.size).toBe(0);
    }
    const { ask } = create({ turn: { tokens: 1_000 } }, { price: undefined });
    expect(await ask()).toMatchObject({ kind: "admitted" });
    const free = create({ turn: { usd: 0 } }, { price: { input: 0, output: 0 } });
    expect(await free.ask()).toMatchObject({ kind: "admitted" });
  });

  test("keeps answers to what is set aside at most", async ({ expect }) => {
    const { ask } = create({ day: { tokens: 1_000_000 }, answerTokens: 500 });
    expect(await ask()).toEqual({ kind: "admitted", maxOutputTokens: 500 });
  });

  test("stops at the figure in steps and in time, where the answer's length is no matter", async ({
    expect,
  }) => {
    const { ask, answered } = create({ turn: { steps: 2 } });
    for (const _ of [1, 2]) {
      expect(await ask()).toEqual({ kind: "admitted" });
      answered({ inputTokens: 10, outputTokens: 10 });
    }
    expect(await ask()).toEqual(
      refused("this turn", "2 of 2 steps are spent; the next message has its own"),
    );
    const timed = create({ user: { wallMs: 90_000 } });
    timed.spends.ranMs = 89_999;
    expect(await timed.ask()).toEqual({
      kind: "admitted",
      time: {
        leftMs: 1,
        failure: {
          code: "BUDGET_EXCEEDED",
          message: expect.stringContaining("90 of 90 s are spent"),
        },
      },
    });
    timed.spends.ranMs = 90_000;
    expect(await timed.ask()).toEqual(
      refused(
        "this user for today",
        "90 of 90 s are spent; there is more from 2026-11-27T00:00Z on",
      ),
    );
  });

  test("counts what a dead run had set aside, and time that is not stored yet", async ({
    expect,
  }) => {
    const { ask } = create({ turn: { tokens: 1_200, wallMs: 5_000 } });
    await ask();
    // Another run of the turn: nothing has come of the first one's call.
    expect(await ask({ isOther: true })).toMatchObject({ kind: "refused" });
    const timed = create({ turn: { wallMs: 5_000 } });
    expect(await timed.ask({ ranMs: 4_999 })).toMatchObject({ time: { leftMs: 1 } });
    expect(await timed.ask({ ranMs: 5_000 })).toMatchObject({ kind: "refused" });
  });

  test("timeLeft() says what budgets of time leave a turn that runs", async ({ expect }) => {
    const { budget, attempt, spends } = create({
      turn: { wallMs: 5_000 },
      user: { wallMs: 90_000 },
    });
    spends.ranMs = 1_000;
    expect(await budget.timeLeft(attempt({ ranMs: 500 }))).toEqual({
      leftMs: 3_500,
      failure: { code: "BUDGET_EXCEEDED", message: expect.stringContaining("5 of 5 s are spent") },
    });
    spends.ranMs = 91_000;
    expect(await budget.timeLeft(attempt())).toMatchObject({ leftMs: -86_000 });
    for (const given of [
      {},
      { turn: { tokens: 10 } },
      { roles: { admin: { turn: { wallMs: 1 } } } },
    ]) {
      const free = create(given);
      expect(await free.budget.timeLeft(free.attempt())).toBeUndefined();
    }
  });

  test("has the turn stored where only its own ended call is in the way", async ({ expect }) => {
    const { ask, saves, answered } = create({ turn: { tokens: 1_000 } });
    await ask();
    answered({ inputTokens: 30, outputTokens: 70 }, { isStored: false });
    expect(await ask()).toEqual({ kind: "admitted", maxOutputTokens: 900 - INPUT.counted });
    expect(saves.count).toBe(1);
  });

  test("tries again with less where others spend at the same time, and never too often", async ({
    expect,
  }) => {
    const { ask, spends, other } = create({ day: { tokens: 1_000 } });
    spends.meanwhile = () => other(300);
    expect(await ask()).toEqual({ kind: "admitted", maxOutputTokens: 700 - INPUT.counted });
    const busy = create({ day: { tokens: 1_000 } });
    const again = () => {
      busy.other(1);
      busy.spends.meanwhile = again;
    };
    again();
    const said = "there is more from 2026-11-27T00:00Z on";
    expect(await busy.ask()).toEqual(
      refused("all users for today", `5 of 1000 tokens are spent; ${said}`),
    );
  });

  test("waits for a store that is away, and counts a call once whose answer was lost", async ({
    expect,
  }) => {
    const { ask, spends } = create({ turn: { tokens: 1_000 } });
    const away = () => new Fault("STORE_UNAVAILABLE", "Cannot write: the store is away");
    const reserve = spends.reserve.bind(spends);
    vi.spyOn(spends, "read").mockRejectedValueOnce(away());
    vi.spyOn(spends, "reserve").mockImplementationOnce(async (input) => {
      await reserve(input);
      throw away();
    });
    expect(await ask()).toEqual({ kind: "admitted", maxOutputTokens: 1_000 - INPUT.counted });
    expect([...spends.calls.values()]).toMatchObject([{ usage: { outputTokens: 901 } }]);
  });

  test("goes by a user's own lines before those of the role, and by these before the common ones", async ({
    expect,
  }) => {
    const roles = { member: { turn: { steps: 5 }, user: { tokens: 500 } } };
    const users = { Ann: { turn: { steps: 0 } } };
    const { ask } = create({ turn: { steps: 9, tokens: 5_000 }, roles, users });
    expect(await ask()).toEqual(
      refused("this turn", "0 of 0 steps are spent; the next message has its own"),
    );
    const role = create({ turn: { steps: 9, tokens: 5_000 }, roles });
    expect(await role.ask()).toEqual({ kind: "admitted", maxOutputTokens: 500 - INPUT.counted });
  });

  test("puts the price on what has ended, and tells once of a model that has none", ({
    expect,
  }) => {
    const { budget, attempt, lines } = create({});
    const ended = { ...attempt().call, usage: { inputTokens: 10, outputTokens: 5 } };
    expect(budget.settle(ended)).toMatchObject({ model: "openai/one", costNanoUsd: 20_000 });
    const free = create({}, { price: undefined });
    for (const _ of [1, 2]) expect(free.budget.settle(ended)).toMatchObject({ costNanoUsd: 0 });
    expect(free.lines).toMatchObject([{ level: "warn", fields: { model: "openai/one" } }]);
    expect(lines).toEqual([]);
  });
});

interface AskOptions {
  readonly turnId?: string;
  /** It is not the run that spent what was spent. */
  readonly isOther?: boolean;
  readonly ranMs?: number;
  readonly input?: ModelInput;
}

function create(
  given: Record<string, unknown>,
  { price: cost }: { readonly price: ModelPrice | undefined } = { price },
) {
  const settings: BudgetSettings = budgetSettingsSchema.parse(given);
  const spends = new MemorySpends();
  const { log, lines } = createMemoryLog();
  const saves = { count: 0 };
  let turnSpend: Spend = NO_SPEND;
  let ids = 0;
  let last: ModelCall | undefined;
  const unstored: ModelCall[] = [];
  const budget = createTurnBudget({
    spends,
    findUser: async (id) => ({ id, name: "Ann", role: "member", createdAtMs: 0 }),
    settings: () => settings,
    priceOf: () => ({ model: "openai/one", price: cost, imageTokens: IMAGE_TOKENS }),
    nowMs: () => NOW_MS,
    log,
  });
  const newCall = (turnId: string): ModelCall => ({
    id: parseModelCallId(`call-${++ids}`),
    turnId: parseTurnId(turnId),
    sessionId: parseSessionId("session-1"),
    userId: parseUserId("user-1"),
    step: 1,
    model: "fast",
    usage: { inputTokens: 0, outputTokens: 0 },
    costNanoUsd: 0,
    startedAtMs: NOW_MS,
    state: { kind: "reserved" },
  });
  const attempt = (options: AskOptions = {}) => {
    const { turnId = "turn-1", isOther = false, ranMs = 0, input = NOTHING } = options;
    const call = newCall(turnId);
    last = call;
    const spent = isOther ? storedSpend(spends) : turnSpend;
    return {
      dispatch: dispatchOf(call),
      call,
      input,
      inputTokens: INPUT.inputTokens,
      turnSpend: turnId === "turn-1" ? { ...spent, wallMs: spends.ranMs + ranMs } : NO_SPEND,
      signal: new AbortController().signal,
      save: async () => {
        saves.count += 1;
        for (const ended of unstored.splice(0)) spends.put(ended);
      },
    };
  };
  const ask = async (options?: AskOptions): Promise<BudgetAnswer> => budget.admit(attempt(options));
  const answered = (
    usage: ModelCall["usage"],
    { isStored = true }: { readonly isStored?: boolean } = {},
  ) => {
    if (last === undefined) throw new Error("Nothing was asked");
    const ended = budget.settle({
      ...last,
      usage,
      state: { kind: "answered", endedAtMs: NOW_MS },
    });
    const tokens = usage.inputTokens + usage.outputTokens;
    turnSpend = addSpend(turnSpend, {
      ...NO_SPEND,
      steps: 1,
      tokens,
      costNanoUsd: ended.costNanoUsd,
    });
    if (isStored) spends.put(ended);
    else unstored.push(ended);
  };
  /** Somebody else's call. */
  const other = (tokens: number) =>
    spends.put({
      ...newCall("turn-9"),
      sessionId: parseSessionId("session-9"),
      userId: parseUserId("user-9"),
      usage: { inputTokens: tokens, outputTokens: 0 },
    });
  return { budget, spends, ask, attempt, answered, other, saves, lines };
}

/** What a run that goes on for a dead one takes as spent: all that is on record. */
function storedSpend(spends: MemorySpends): Spend {
  const own = [...spends.calls.values()].filter(({ turnId }) => turnId === "turn-1");
  return own.reduce((sum, { usage, costNanoUsd }) => {
    const tokens = usage.inputTokens + usage.outputTokens;
    return addSpend(sum, { steps: 1, tokens, costNanoUsd, wallMs: 0 });
  }, NO_SPEND);
}

function dispatchOf({ turnId, sessionId, userId }: ModelCall): TurnDispatch {
  return {
    turnId,
    sessionId,
    userId,
    messageId: parseMessageId("message-1"),
    text: "hello",
    acceptedAtMs: NOW_MS,
    attempt: 1,
    headSeq: 0,
    isCancelled: false,
    epoch: 1,
  };
}

function refused(whose: string, why: string): BudgetAnswer {
  const message = `The budget of ${whose} does not let the turn go on: ${why}`;
  return { kind: "refused", failure: { code: "BUDGET_EXCEEDED", message } };
}
