import type { TurnId, UserId } from "#domain/shared/id.ts";
import { isFinal, type Turn } from "#domain/turn/turn.ts";
import type { TurnLog } from "#domain/turn/turn-log.ts";
import type { TurnQueued } from "../ports/turn-queued.ts";

export interface CancelTurnDeps {
  readonly findTurn: (turnId: TurnId) => Promise<Turn | undefined>;
  readonly turns: Pick<TurnLog, "cancel">;
  readonly turnQueued: TurnQueued;
  /** Tells the run of a turn, wherever it is. */
  readonly stopRun: (turnId: TurnId) => void;
}

export type CancelTurnResult =
  /** It will end as cancelled, unless it ends of itself at this very moment. */
  | { readonly kind: "cancelling" }
  | { readonly kind: "already-ended" }
  /** There is no such turn of this user. */
  | { readonly kind: "not-found" };

/** Stops a turn that waits or runs. */
export function createCancelTurn({ findTurn, turns, turnQueued, stopRun }: CancelTurnDeps) {
  return async function cancelTurn(input: {
    readonly userId: UserId;
    readonly turnId: TurnId;
  }): Promise<CancelTurnResult> {
    const turn = await findTurn(input.turnId);
    if (turn === undefined || turn.userId !== input.userId) return { kind: "not-found" };
    if (isFinal(turn.state)) return { kind: "already-ended" };
    // On record first: whoever runs it, now or after a crash, will know.
    const isQueued = await turns.cancel(turn.id);
    if (isQueued) turnQueued(turn.sessionId);
    stopRun(turn.id);
    return { kind: "cancelling" };
  };
}
