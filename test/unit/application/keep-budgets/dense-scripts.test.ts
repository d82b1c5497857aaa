import { countTokens } from "gpt-tokenizer/encoding/cl100k_base";
import { test } from "vitest";
import { budgetSettingsSchema } from "#application/keep-budgets/budget-settings.ts";
import { createTurnBudget } from "#application/keep-budgets/keep-budgets.ts";
import type { LlmRequest } from "#application/ports/llm.ts";
import { countInput } from "#domain/spend/estimate-tokens.ts";
import { MemorySpends } from "../../../support/fakes/memory-spends.ts";
import { silentLog } from "../../../support/silent-log.ts";
import { finish, openRun, type Step, say } from "../../../support/turn-run.ts";

/** Met by the first call or by later ones. */
const LIMITS = [1_200, 1_600, 2_000, 3_000, 8_000];
const ANSWER_TOKENS = 300;
/** What a service puts around a message, besides what everybody counts. */
const FRAME_TOKENS = 4;

const cases = [
  ["Chinese", "謂之魑魅魍魎，饕餮貔貅者，耄耋之年踽踽獨行，躑躅於龜裂之壁。"],
  ["Japanese", "何かを開いた人は、それを閉じます。憂鬱な薔薇を描く鬱蒼とした森。"],
  ["emoji", "👨‍👩‍👧‍👦👩🏽‍🚀🏳️‍🌈🇩🇪🇯🇵😀🔥"],
].flatMap(([script = "", text = ""]) => LIMITS.map((limit) => ({ script, text, limit })));

test.for(cases)(
  "a conversation in $script does not pass its budget of $limit tokens",
  async ({ text, limit }, { expect }) => {
    const spends = new MemorySpends();
    const settings = { user: { tokens: limit }, answerTokens: ANSWER_TOKENS };
    const budget = createTurnBudget({
      spends,
      findUser: async (id) => ({ id, name: "Ann", role: "member", createdAtMs: 0 }),
      settings: () => budgetSettingsSchema.parse(settings),
      priceOf: (model) => ({ model, price: undefined, imageTokens: 0 }),
      nowMs: () => 1,
      log: silentLog,
    });
    let taken = 0;
    /** A service that counts with a tokenizer of OpenAI, and takes all that it may. */
    const answer: Step = async function* (_signal, request) {
      const usage = { inputTokens: read(request), outputTokens: request.maxOutputTokens ?? 0 };
      taken += usage.inputTokens + usage.outputTokens;
      yield say(text.repeat(4));
      yield { ...finish, usage };
    };
    await using opened = await openRun({
      steps: Array.from({ length: 50 }, () => answer),
      contextTokens: 100_000,
      limits: { maxAnswerChars: 100_000 },
      budget: {
        ...budget,
        settle: (ended) => {
          const settled = budget.settle(ended);
          spends.put(settled);
          return settled;
        },
      },
    });
    let turn = await opened.store.accept({ text: text.repeat(15) });
    const { sessionId } = turn;
    for (;;) {
      await opened.run(turn);
      const { state } = opened.stored(turn);
      if (state?.kind === "failed") {
        expect(state).toMatchObject({ failure: { code: "BUDGET_EXCEEDED" } });
        break;
      }
      turn = await opened.store.accept({ sessionId, text: text.repeat(15) });
    }
    if (limit === LIMITS.at(-1)) expect(opened.requests.length).toBeGreaterThan(1);
    expect(taken).toBeLessThanOrEqual(limit);
  },
);

function read(request: LlmRequest): number {
  return countInput(request, countTokens) + FRAME_TOKENS * request.messages.length;
}
