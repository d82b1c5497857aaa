/**
 * What may be spent. `turn` is one turn, `session` a session in its whole life, `user` one user on
 * one day, `day` all users on one day; days are those of UTC.
 */
export const BUDGET_SCOPES = ["turn", "session", "user", "day"] as const;
export type BudgetScope = (typeof BUDGET_SCOPES)[number];

/** What is counted. `steps` are model calls, `wallMs` is the time in which turns ran. */
export interface Spend {
  readonly steps: number;
  /** Input and output. */
  readonly tokens: number;
  readonly costNanoUsd: number;
  readonly wallMs: number;
}

/** Limits; what is left out has none. */
export type Budgets = { readonly [scope in BudgetScope]?: Partial<Spend> };

export const NO_SPEND: Spend = { steps: 0, tokens: 0, costNanoUsd: 0, wallMs: 0 };

/** A budget that does not let something be done. */
export interface BudgetLine {
  readonly scope: BudgetScope;
  readonly measure: keyof Spend;
  readonly limit: number;
  readonly spent: number;
}

/** `2026-11-26`: the day of UTC that a time is on. */
export function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

export function addSpend(one: Spend, other: Spend): Spend {
  return {
    steps: one.steps + other.steps,
    tokens: one.tokens + other.tokens,
    costNanoUsd: one.costNanoUsd + other.costNanoUsd,
    wallMs: one.wallMs + other.wallMs,
  };
}

/** The first budget that would be passed if so much more were spent, in the order of the scopes. */
export function findExceeded(
  budgets: Budgets,
  spent: { readonly [scope in BudgetScope]?: Spend },
  more: Spend,
): BudgetLine | undefined {
  for (const scope of BUDGET_SCOPES) {
    const { [scope]: limits = {} } = budgets;
    const { [scope]: before = NO_SPEND } = spent;
    for (const measure of MEASURES) {
      const { [measure]: limit } = limits;
      if (limit === undefined) continue;
      // How long something will take is not known: time is over once it has passed.
      const isOver =
        measure === "wallMs" ? before.wallMs >= limit : before[measure] + more[measure] > limit;
      if (isOver) return { scope, measure, limit, spent: before[measure] };
    }
  }
  return undefined;
}

const MEASURES = ["steps", "tokens", "costNanoUsd", "wallMs"] as const;
