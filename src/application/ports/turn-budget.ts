import type { Failure } from "#domain/shared/fault.ts";
import type { Spend } from "#domain/spend/budget.ts";
import type { ModelInput } from "#domain/spend/estimate-tokens.ts";
import type { ModelCall } from "#domain/spend/model-call.ts";
import type { TurnDispatch } from "./turn-runner.ts";

/** Holds turns to what may be spent. */
export interface TurnBudget {
  /**
   * Asked before each attempt of a model. Where a budget counts, the call is on record as reserved
   * when the promise is fulfilled. Answers without a promise where nothing has to be waited for.
   * Rejects with `Fault` `TURN_FENCED`, or as the attempt's signal says.
   */
  admit(attempt: PlannedAttempt): BudgetAnswer | Promise<BudgetAnswer>;
  /**
   * How long a turn may run on, as far as budgets of time go, from when it is asked. Answers and
   * rejects as `admit`.
   */
  timeLeft(turn: SpendingTurn): TimeLeft | undefined | Promise<TimeLeft | undefined>;
  /** Puts the price on an attempt that has ended, just before it is given to the store. */
  settle(call: ModelCall): ModelCall;
}

export interface SpendingTurn {
  readonly dispatch: TurnDispatch;
  /** What the turn has spent so far, in all its runs, calls that are not stored yet included. */
  readonly turnSpend: Spend;
  /** Aborted when the turn has to stop: a store that is away is waited for until then. */
  readonly signal: AbortSignal;
}

export interface PlannedAttempt extends SpendingTurn {
  /** The call as it begins: its id is the one that its end comes under. */
  readonly call: ModelCall;
  /** What the model is to read, */
  readonly input: ModelInput;
  /** and about how many tokens it is. */
  readonly inputTokens: number;
  /**
   * Stores what the turn has not stored yet: calls that have ended count as what was reserved for
   * them until then.
   */
  readonly save: () => Promise<void>;
}

export interface TimeLeft {
  /** From when it was asked for, not from when the answer came. */
  readonly leftMs: number;
  /** How the turn fails when that is over. */
  readonly failure: Failure;
}

export type BudgetAnswer =
  | {
      readonly kind: "admitted";
      readonly maxOutputTokens?: number | undefined;
      readonly time?: TimeLeft | undefined;
    }
  /** The failure (`BUDGET_…`) names scope, measure, limit and what is spent. */
  | { readonly kind: "refused"; readonly failure: Failure };
