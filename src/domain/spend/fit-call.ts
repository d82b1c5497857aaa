import {
  BUDGET_SCOPES,
  type BudgetLine,
  type BudgetScope,
  type Budgets,
  type Spend,
} from "./budget.ts";
import { costOf, type ModelPrice, outputTokensFor } from "./price.ts";

/** A model call that is about to be made. */
export interface IntendedCall {
  /** What the model will read, at most. */
  readonly inputTokens: number;
  /** What it may write if nothing else bounds it. */
  readonly outputTokens: number;
  /** The shortest answer that is worth the call. */
  readonly leastOutputTokens: number;
  readonly price: ModelPrice;
}

/** The budget of time that is over first, as it will be then. */
export interface TimeLine {
  readonly leftMs: number;
  readonly line: BudgetLine;
}

export type FittedCall =
  /** The call, whatever comes of it, stays within all budgets with so long an answer. */
  | {
      readonly kind: "fits";
      readonly outputTokens: number;
      readonly costNanoUsd: number;
      readonly time: TimeLine | undefined;
    }
  | { readonly kind: "over-budget"; readonly line: BudgetLine };

/** Cuts the answer of `call` to what `budgets` leave of `spent`, or names the budget in its way. */
export function fitCall(
  call: IntendedCall,
  budgets: Budgets,
  spent: Readonly<Record<BudgetScope, Spend>>,
): FittedCall {
  let { outputTokens } = call;
  for (const scope of BUDGET_SCOPES) {
    const limits = budgets[scope] ?? {};
    for (const measure of MEASURES) {
      const limit = limits[measure];
      if (limit === undefined) continue;
      const most = answerWithin(call, measure, limit - spent[scope][measure]);
      if (most < call.leastOutputTokens) {
        const line = { scope, measure, limit, spent: spent[scope][measure] };
        return { kind: "over-budget", line };
      }
      outputTokens = Math.min(outputTokens, most);
    }
  }
  const { inputTokens } = call;
  const costNanoUsd = costOf(dearest(call.price), { inputTokens, outputTokens });
  return { kind: "fits", outputTokens, costNanoUsd, time: findTime(budgets, spent) };
}

export function findTime(
  budgets: Budgets,
  spent: Readonly<Record<BudgetScope, Spend>>,
): TimeLine | undefined {
  const times = BUDGET_SCOPES.flatMap((scope) => {
    const limit = budgets[scope]?.wallMs;
    if (limit === undefined) return [];
    const line = { scope, measure: "wallMs", limit, spent: limit } as const;
    return [{ leftMs: limit - spent[scope].wallMs, line }];
  });
  return times.toSorted((one, other) => one.leftMs - other.leftMs)[0];
}

const MEASURES = ["steps", "tokens", "costNanoUsd", "wallMs"] as const;

/** How long the answer may be where `left` is left of one measure; less than 0: not at all. */
function answerWithin(call: IntendedCall, measure: keyof Spend, left: number): number {
  const { inputTokens, price } = call;
  switch (measure) {
    case "steps":
      return left >= 1 ? Number.MAX_SAFE_INTEGER : -1;
    case "wallMs":
      return left > 0 ? Number.MAX_SAFE_INTEGER : -1;
    case "tokens":
      return left - inputTokens;
    case "costNanoUsd": {
      const dear = dearest(price);
      const afterInput = left - costOf(dear, { inputTokens, outputTokens: 0 });
      return afterInput < 0 ? -1 : outputTokensFor(dear, afterInput);
    }
    default:
      return measure satisfies never;
  }
}

/** Nobody knows beforehand what the service's cache has: all input is taken for the dearest kind. */
function dearest({ input, cachedInput = 0, cacheWrite = 0, output }: ModelPrice): ModelPrice {
  return { input: Math.max(input, cachedInput, cacheWrite), output };
}
