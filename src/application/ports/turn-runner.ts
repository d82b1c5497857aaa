import type { TurnId } from "#domain/shared/id.ts";
import type { QueuedTurn } from "#domain/turn/turn-log.ts";

/** A turn as it is handed to a run. */
export interface TurnDispatch extends QueuedTurn {
  readonly epoch: number;
  /** The store has it as running under `epoch` already. */
  readonly isBegun: boolean;
  /** It was cancelled while it waited: the run only writes that down. */
  readonly isCancelled: boolean;
}

/** How a run came out; `headSeq` is the session's last stored event. */
export type RunResult =
  | { readonly kind: "ended"; readonly headSeq: number }
  /** The store says that another run owns the turn. */
  | { readonly kind: "fenced" };

/** Where runs happen. `run` rejects where the thread of the run died. */
export interface TurnRunner {
  run(dispatch: TurnDispatch): Promise<RunResult>;
  /** Asks a run to stop; it does so in its own time and ends as cancelled. */
  cancel(turnId: TurnId): void;
}

/** Room for one more turn, to be used once: by `dispatch` or by `release`. */
export interface Admission {
  /** The turn would run at once: it is to be stored as running under this epoch. */
  readonly beginEpoch: number | undefined;
  /** Runs the turn, which is stored, now or when its session's earlier ones are done. */
  dispatch(turn: QueuedTurn): void;
  /** Gives the room back. */
  release(): void;
}

/** There is no room; ask again after that time. */
export interface NotAdmitted {
  readonly retryAfterMs: number;
}
