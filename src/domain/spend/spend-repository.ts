import type { SessionId, TurnId, UserId } from "../shared/id.ts";
import type { BudgetLine, BudgetScope, Budgets, Spend } from "./budget.ts";
import type { ModelCall } from "./model-call.ts";

/** What was spent. All reject with `Fault` `STORE_UNAVAILABLE` where the store cannot be used. */
export interface SpendRepository {
  /** In each scope that the turn counts in, reserved calls included. */
  read(input: ReadSpend): Promise<Readonly<Record<BudgetScope, Spend>>>;
  /**
   * Puts a model call on record before it is made, and counts what it may take at most in all its
   * scopes, unless a budget does not let it. The `ModelCall` that `TurnLog.save` gets under the same id
   * takes its place, and its counts. Rejects with `Fault` `TURN_FENCED` as `save` does.
   */
  reserve(input: ReserveModelCall): Promise<ReserveResult>;
  /** Oldest first. */
  listModelCalls(turnId: TurnId): Promise<readonly ModelCall[]>;
}

export interface ReadSpend {
  readonly turnId: TurnId;
  readonly sessionId: SessionId;
  readonly userId: UserId;
  /** As `dayOf` gives it. */
  readonly day: string;
}

export interface ReserveModelCall {
  readonly call: ModelCall;
  readonly epoch: number;
  readonly budgets: Budgets;
  readonly nowMs: number;
}

export type ReserveResult =
  | { readonly kind: "reserved" }
  | { readonly kind: "over-budget"; readonly line: BudgetLine };
