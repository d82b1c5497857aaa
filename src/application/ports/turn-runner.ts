import type { TurnId } from "#domain/shared/id.ts";
import type { QueuedTurn } from "#domain/turn/turn-log.ts";

/** A turn as it is handed to a run. */
export interface TurnDispatch extends QueuedTurn {
  readonly epoch: number;
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
