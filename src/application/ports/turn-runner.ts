import type { TurnId } from "#domain/shared/id.ts";
import type { ClaimedTurn, QueuedTurn, TurnOwner } from "#domain/turn/turn-log.ts";

/** A turn as it is handed to a run: the store has it as running under `epoch`. */
export interface TurnDispatch extends ClaimedTurn {
  readonly epoch: number;
}

/** How a run came out; `headSeq` is the session's last stored event. */
export type RunResult =
  | { readonly kind: "ended"; readonly headSeq: number }
  /** The turn waits for people: it is nobody's until they have decided. */
  | { readonly kind: "paused"; readonly headSeq: number }
  /** The turn is not the run's any more: another one has it, or is to begin it anew. */
  | { readonly kind: "fenced" };

/** Where runs happen. `run` rejects where the thread of the run died. */
export interface TurnRunner {
  run(dispatch: TurnDispatch): Promise<RunResult>;
  /** Asks a run to stop; it does so in its own time and ends as cancelled. */
  cancel(turnId: TurnId): void;
  /** Stops a run that may not be its turn's any more: it shows and writes nothing from now on. */
  abandon(turnId: TurnId): void;
}

/** Room for one more turn, to be used once: by `dispatch` or by `release`. */
export interface Admission {
  /** As whose the turn is to be stored. */
  readonly owner: TurnOwner;
  /** Sees to the turn, which is stored: runs it where it has begun, else has it run in its turn. */
  dispatch(turn: QueuedTurn, isBegun: boolean): void;
  /** Gives the room back: nothing was stored, or another call has stored it. */
  release(): void;
  /** Gives the room back where nobody knows whether anything was stored. */
  doubt(): void;
}

/** There is no room; ask again after that time. */
export interface NotAdmitted {
  readonly retryAfterMs: number;
}
