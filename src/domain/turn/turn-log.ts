import type { Message } from "../message/message.ts";
import type { MessageId, SessionId, TurnId, UserId } from "../shared/id.ts";
import type { Task } from "../task/task.ts";
import type { FinalTurnState } from "./turn.ts";
import type { NumberedEvent } from "./turn-event.ts";

/**
 * The writes of a turn's life. Each is one transaction: when its promise is fulfilled, the write
 * survives any crash of the program or the machine. All reject with `Fault` `STORE_UNAVAILABLE`
 * where the store cannot take the write; then nothing of it was stored.
 */
export interface TurnLog {
  /** Stores message, turn and dedupe key, or answers as the first time. */
  accept(input: AcceptTurn): Promise<AcceptResult>;
  /** queued -> running under `epoch`. Rejects with `Fault` `TURN_FENCED` unless it is queued. */
  begin(input: BeginTurn): Promise<void>;
  /**
   * Appends what a running turn has brought forth, and its end where `end` is given. Rejects with
   * `Fault` `TURN_FENCED` where the turn is not running under `epoch`.
   */
  save(input: SaveTurn): Promise<void>;
  /**
   * Takes turns away from runs that died: each is queued again or, after too many attempts,
   * failed. Without `turnIds`: all running ones. Gives every turn that is now queued, oldest
   * first, and the epoch to begin them under, which no run has had.
   */
  recover(input: RecoverTurns): Promise<RecoverResult>;
}

export interface AcceptTurn {
  readonly turnId: TurnId;
  readonly userId: UserId;
  readonly clientMessageId: string;
  readonly messageId: MessageId;
  readonly text: string;
  /** `isNew`: the session is made along with the turn. */
  readonly session: { readonly id: SessionId; readonly isNew: boolean };
  /** The turn's run begins at once, under this epoch: it is stored as running. */
  readonly beginEpoch?: number | undefined;
  readonly nowMs: number;
}

export type AcceptResult =
  | {
      readonly kind: "accepted";
      readonly sessionId: SessionId;
      readonly messageId: MessageId;
      readonly turnId: TurnId;
      /** The session's last stored event when the turn was accepted. */
      readonly seq: number;
      readonly duplicate: boolean;
    }
  /** There is no such session of this user. */
  | { readonly kind: "not-found" }
  /** The client message id was used for another text or session. */
  | { readonly kind: "conflict" };

export interface BeginTurn {
  readonly turnId: TurnId;
  readonly epoch: number;
  readonly nowMs: number;
}

export interface SaveTurn {
  readonly turnId: TurnId;
  readonly sessionId: SessionId;
  readonly epoch: number;
  /** Messages that the turn added, `position` counted within the turn (the user's is 0). */
  readonly messages: readonly { readonly position: number; readonly message: Message }[];
  readonly tasks: readonly Task[];
  /** They go on from the session's last stored event without a gap. */
  readonly events: readonly NumberedEvent[];
  readonly end?: FinalTurnState;
  readonly nowMs: number;
}

export interface RecoverTurns {
  readonly turnIds?: readonly TurnId[];
  readonly nowMs: number;
}

export interface RecoverResult {
  readonly epoch: number;
  readonly queued: readonly QueuedTurn[];
  /** Turns that had too many attempts, and of those asked for the ones that had ended before. */
  readonly failed: readonly {
    readonly turnId: TurnId;
    readonly sessionId: SessionId;
    readonly headSeq: number;
  }[];
}

/** A turn that waits for its run, with all that the run needs to begin. */
export interface QueuedTurn {
  readonly turnId: TurnId;
  readonly sessionId: SessionId;
  readonly userId: UserId;
  readonly messageId: MessageId;
  readonly text: string;
  readonly acceptedAtMs: number;
  /** The attempt that begins next, from 1. */
  readonly attempt: number;
  /** The session's last stored event. */
  readonly headSeq: number;
}
