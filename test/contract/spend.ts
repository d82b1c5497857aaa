import { describe, test } from "vitest";
import { parseTurnId, type UserId } from "#domain/shared/id.ts";
import { BUDGET_SCOPES, type Budgets, dayOf, NO_SPEND, type Spend } from "#domain/spend/budget.ts";
import type { ModelCall } from "#domain/spend/model-call.ts";
import type { SpendRepository } from "#domain/spend/spend-repository.ts";
import { type AcceptedTurn, ALICE, BOB, modelCallOf } from "../support/agent-store.ts";

export interface SpendUnderTest extends AsyncDisposable {
  readonly spend: SpendRepository;
  readonly epoch: number;
  /** Begins a turn, of Alice's in a new session unless told otherwise. */
  begin(
    about?: Partial<Pick<AcceptedTurn, "sessionId">> & { userId?: UserId },
  ): Promise<AcceptedTurn>;
  /** Has a run write down what models took, and for how long it ran. */
  record(turn: AcceptedTurn, calls: readonly ModelCall[], ranMs?: number): Promise<void>;
  /** Ends a turn. */
  end(turn: AcceptedTurn): Promise<void>;
}

const DAY_MS = 86_400_000;
const ONE: Spend = { steps: 1, tokens: 15, costNanoUsd: 7, wallMs: 0 };

/** What every record of what was spent promises. */
export function describeSpendRepository(name: string, open: () => Promise<SpendUnderTest>): void {
  describe(`SpendRepository ${name}`, () => {
    test("read() sums up what was spent in each scope", async ({ expect }) => {
      await using store = await open();
      const first = await store.begin();
      await store.record(first, [modelCallOf(first), modelCallOf(first, { step: 2 })], 30);
      await store.end(first);
      const second = await store.begin({ sessionId: first.sessionId });
      const tomorrow = modelCallOf(second, { startedAtMs: DAY_MS + 1 });
      await store.record(second, [modelCallOf(second), tomorrow], 12);
      const others = await store.begin({ userId: BOB });
      await store.record(others, [modelCallOf(others, { userId: BOB })]);
      const read = (turn: AcceptedTurn, day: number, userId = ALICE) =>
        store.spend.read({ ...idsOf(turn), userId, day: dayOf(day) });
      expect(await read(first, 0)).toEqual({
        turn: times(2, 30),
        session: times(4, 42),
        user: times(3, 42),
        day: times(4, 42),
      });
      expect(await read(second, DAY_MS)).toEqual({
        turn: times(2, 12),
        session: times(4, 42),
        user: times(1, 0),
        day: times(1, 0),
      });
      expect(await read(others, 0, BOB)).toMatchObject({ session: times(1, 0), user: times(1, 0) });
      const nothing = {
        ...idsOf(first),
        turnId: parseTurnId("none"),
        userId: ALICE,
        day: "2001-01-01",
      };
      expect(await store.spend.read(nothing)).toMatchObject({ turn: NO_SPEND, user: NO_SPEND });
    });

    test("listModelCalls() gives calls as they were recorded, in their order", async ({
      expect,
    }) => {
      await using store = await open();
      const turn = await store.begin();
      const usage = {
        inputTokens: 10,
        outputTokens: 5,
        cachedInputTokens: 3,
        cacheWriteTokens: 2,
        reasoningTokens: 1,
        isEstimated: true,
      };
      const failure = { code: "LLM_TIMEOUT", message: "No answer" };
      const calls = [
        modelCallOf(turn, { state: { kind: "failed", endedAtMs: 3, failure } }),
        modelCallOf(turn, { usage, startedAtMs: 4 }),
        modelCallOf(turn, {
          startedAtMs: 5,
          state: { kind: "cancelled", firstTokenAtMs: 6, endedAtMs: 7 },
        }),
        modelCallOf(turn, { startedAtMs: 8, state: { kind: "reserved" } }),
      ];
      await store.record(turn, calls);
      expect(await store.spend.listModelCalls(turn.turnId)).toEqual(calls);
      expect(await store.spend.listModelCalls(parseTurnId("none"))).toEqual([]);
    });

    test.for(BUDGET_SCOPES)(
      "reserve() stops at the figure of a budget of the %s",
      async (scope, { expect }) => {
        await using store = await open();
        const turn = await store.begin();
        await store.record(turn, [modelCallOf(turn)], 50);
        const limits: readonly [Partial<Spend>, boolean][] = [
          [{}, true],
          [{ steps: 3 }, true],
          [{ steps: 3 }, false],
          [{ tokens: 60 }, true],
          [{ tokens: 74 }, false],
          [{ costNanoUsd: 35 }, true],
          [{ costNanoUsd: 41 }, false],
          [{ wallMs: 51 }, true],
          [{ wallMs: 50 }, false],
        ];
        let made = 1;
        for (const [limit, isLet] of limits) {
          const [measure] = Object.keys(limit) as (keyof Spend)[];
          const call = reserved(turn);
          const input = { call, epoch: store.epoch, nowMs: 2 };
          const result = await store.spend.reserve({ ...input, budgets: { [scope]: limit } });
          if (isLet) expect(result, JSON.stringify(limit)).toEqual({ kind: "reserved" });
          else {
            const spent = measure && times(made, 50)[measure];
            const line = { scope, measure, limit: measure && limit[measure], spent };
            expect(result, JSON.stringify(limit)).toEqual({ kind: "over-budget", line });
          }
          if (isLet) made += 1;
          const spent = await store.spend.read({ ...idsOf(turn), userId: ALICE, day: dayOf(2) });
          expect(spent[scope]).toEqual(times(made, 50));
          expect(spent.turn).toEqual(times(made, 50));
          // One that was refused leaves nothing behind.
          expect(await store.spend.listModelCalls(turn.turnId)).toHaveLength(made);
        }
      },
    );

    test("the end of a reserved call takes its place, and its counts", async ({ expect }) => {
      await using store = await open();
      const turn = await store.begin();
      const most = { inputTokens: 100, outputTokens: 1_000 };
      const call = { ...reserved(turn), usage: most, costNanoUsd: 900 };
      const budgets: Budgets = { turn: { tokens: 2_000 }, day: { costNanoUsd: 1_000 } };
      const input = { call, epoch: store.epoch, budgets, nowMs: 2 };
      expect(await store.spend.reserve(input)).toEqual({ kind: "reserved" });
      // The same call once more: its answer was lost.
      expect(await store.spend.reserve(input)).toEqual({ kind: "reserved" });
      const day = dayOf(2);
      const read = () => store.spend.read({ ...idsOf(turn), userId: ALICE, day });
      const counted = { steps: 1, tokens: 1_100, costNanoUsd: 900, wallMs: 0 };
      expect(Object.values(await read())).toEqual([counted, counted, counted, counted]);
      const other = { ...input, call: { ...call, id: modelCallOf(turn).id } };
      expect(await store.spend.reserve(other)).toMatchObject({
        line: { scope: "turn", measure: "tokens", limit: 2_000, spent: 1_100 },
      });
      const ended = modelCallOf(turn, { id: call.id });
      await store.record(turn, [ended]);
      expect(Object.values(await read())).toEqual([ONE, ONE, ONE, ONE]);
      expect(await store.spend.listModelCalls(turn.turnId)).toEqual([ended]);
    });

    test.for(["user", "day"] as const)(
      "of many who reserve at once, as many as a budget of the %s lets",
      async (scope, { expect }) => {
        await using store = await open();
        const turns = await Promise.all(Array.from({ length: 12 }, () => store.begin()));
        const budgets: Budgets = { [scope]: { tokens: 5 * ONE.tokens } };
        const results = await Promise.all(
          turns.map((turn) =>
            store.spend.reserve({ call: reserved(turn), epoch: store.epoch, budgets, nowMs: 2 }),
          ),
        );
        expect(results.filter(({ kind }) => kind === "reserved")).toHaveLength(5);
        const [turn] = turns;
        const ids = turn && idsOf(turn);
        const spent = ids && (await store.spend.read({ ...ids, userId: ALICE, day: dayOf(2) }));
        expect(spent?.[scope]).toEqual(times(5, 0));
      },
    );
  });
}

function reserved(turn: AcceptedTurn): ModelCall {
  return modelCallOf(turn, { state: { kind: "reserved" } });
}

function idsOf({ turnId, sessionId }: AcceptedTurn) {
  return { turnId, sessionId };
}

function times(calls: number, wallMs: number): Spend {
  return { steps: calls, tokens: 15 * calls, costNanoUsd: 7 * calls, wallMs };
}
