import type { Message } from "../message/message.ts";
import type { InstanceId, MessageId, SessionId, TurnId, UserId } from "../shared/id.ts";
import type { Task } from "../task/task.ts";
import type { FinalTurnState } from "./turn.ts";
import type { NumberedEvent } from "./turn-event.ts";

/**
 * The writes of a turn's life. Each is one transaction: when its promise is fulfilled, the write
 * survives any crash of the program or the machine. All reject with `Fault` `STORE_UNAVAILABLE`
 * where the store cannot take the write; then nothing of it was stored, unless the connection to
 * the store broke just then: the same write again is harmless.
 */
export interface TurnLog {
  /**
   * Stores message, turn and dedupe key, or answers as the first time. The turn runs at once,
   * as `owner`'s, where its session is idle; else it is queued.
   */
  accept(input: AcceptTurn): Promise<AcceptResult>;
  /** queued -> running, for the first turns of sessions in which none runs, oldest first. */
  claim(input: ClaimTurns): Promise<readonly ClaimedTurn[]>;
  /**
   * Appends what a running turn has brought forth, and its end where `end` is given. Rejects with
   * `Fault` `TURN_FENCED` where the turn is not running under `epoch`.
   */
  save(input: SaveTurn): Promise<void>;
  /**
   * Takes running turns away from runs that died: each is queued again or, after too many
   * attempts, failed. With `turnIds` these turns of the instance itself, else all turns of
   * instances whose lease has ended. Gives an epoch which no run has had.
   */
  recover(input: RecoverTurns): Promise<RecoverResult>;
  /** Has an unfinished turn end as cancelled, whoever runs it: on record, to be told to its run. */
  cancel(turnId: TurnId): Promise<void>;
}

/** A run's right to write: the instance that holds the lease, and its fencing number. */
export interface TurnOwner {
  readonly instanceId: InstanceId;
  readonly epoch: number;
}

export interface AcceptTurn {
  /** Greater than that of every turn before it in its session. */
  readonly turnId: TurnId;
  readonly userId: UserId;
  readonly clientMessageId: string;
  readonly messageId: MessageId;
  readonly text: string;
  /** `isNew`: the session is made along with the turn. */
  readonly session: { readonly id: SessionId; readonly isNew: boolean };
  readonly owner: TurnOwner;
  readonly nowMs: number;
}

export interface AcceptedMessage {
  readonly kind: "accepted";
  readonly sessionId: SessionId;
  readonly messageId: MessageId;
  readonly turnId: TurnId;
  /** The session's last stored event when the turn was accepted. */
  readonly seq: number;
  readonly duplicate: boolean;
}

export type AcceptResult =
  /** `isBegun`: the turn is stored as running, its owner has to run it. False for a duplicate. */
  | (AcceptedMessage & { readonly isBegun: boolean })
  /** There is no such session of this user. */
  | { readonly kind: "not-found" }
  /** The client message id was used for another text or session. */
  | { readonly kind: "conflict" }
  /** The session has a turn with this id or a greater one: the clock went back. Nothing is stored. */
  | { readonly kind: "outdated-id"; readonly lastTurnId: TurnId };

export interface ClaimTurns {
  readonly owner: TurnOwner;
  readonly limit: number;
  /** Only the next turn of this session. */
  readonly sessionId?: SessionId | undefined;
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
  readonly instanceId: InstanceId;
  readonly turnIds?: readonly TurnId[];
  readonly nowMs: number;
}

export interface RecoverResult {
  /** For the runs that follow; none where no dead instance had a turn. */
  readonly epoch: number | undefined;
  /** Turns that wait again; `claim` gives them to a run. */
  readonly queued: readonly RecoveredTurn[];
  /** Turns that failed now, and of those asked for the ones that are not the instance's to run. */
  readonly over: readonly RecoveredTurn[];
}

export interface RecoveredTurn {
  readonly turnId: TurnId;
  readonly sessionId: SessionId;
  /** The session's last stored event. */
  readonly headSeq: number;
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

/** A queued turn that is now stored as running. */
export interface ClaimedTurn extends QueuedTurn {
  /** It was cancelled while it waited: the run only writes that down. */
  readonly isCancelled: boolean;
}
