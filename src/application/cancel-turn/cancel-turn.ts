import type { TurnId, UserId } from "#domain/shared/id.ts";
import { isFinal, type Turn } from "#domain/turn/turn.ts";

export interface CancelTurnDeps {
  readonly findTurn: (turnId: TurnId) => Promise<Turn | undefined>;
  readonly dispatcher: { cancel(turnId: TurnId): boolean };
}

export type CancelTurnResult =
  /** It will end as cancelled, unless it ends of itself at this very moment. */
  | { readonly kind: "cancelling" }
  | { readonly kind: "already-ended" }
  /** There is no such turn of this user. */
  | { readonly kind: "not-found" };

/** Stops a turn that waits or runs. */
export function createCancelTurn({ findTurn, dispatcher }: CancelTurnDeps) {
  return async function cancelTurn(input: {
    readonly userId: UserId;
    readonly turnId: TurnId;
  }): Promise<CancelTurnResult> {
    const turn = await findTurn(input.turnId);
    if (turn === undefined || turn.userId !== input.userId) return { kind: "not-found" };
    if (isFinal(turn.state)) return { kind: "already-ended" };
    return dispatcher.cancel(turn.id) ? { kind: "cancelling" } : { kind: "already-ended" };
  };
}
