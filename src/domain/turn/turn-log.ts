import type { Approval } from "../approval/approval.ts";
import type { ImagePart, Message } from "../message/message.ts";
import type { ContextVersion } from "../session/context-version.ts";
import type { SessionTaint } from "../session/session-taint.ts";
import type { InstanceId, MessageId, SessionId, TaskId, TurnId, UserId } from "../shared/id.ts";
import type { ModelCall } from "../spend/model-call.ts";
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
   * instances whose lease has ended. Gives an epoch which no run has had. Each has run for
   * `UNSAVED_TIME_MOST_MS` more than was saved.
   */
  recover(input: RecoverTurns): Promise<RecoverResult>;
  /**
   * Has an unfinished turn end as cancelled, whoever runs it: on record, to be told to its run. One
   * that waits for approvals is queued for that, and nobody can decide on them any more. Gives
   * whether it was: then somebody has to claim it.
   */
  cancel(turnId: TurnId): Promise<boolean>;
  /**
   * Makes a session of messages that were exchanged elsewhere: they are those of one completed turn.
   * Where the turn is there already nothing is changed.
   */
  importTurn(input: ImportTurn): Promise<"imported" | "was-imported">;
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
  /** Pictures that came with the text. */
  readonly images?: readonly ImagePart[];
  /** `steer`: the turn that runs now may take the message in at its next step (see `SaveTurn.joined`). */
  readonly mode?: "queue" | "steer";
  /**
   * The turn that this one goes on from, where it is not the last one of the branch in use: what
   * came after that is another branch. `null`: it begins the conversation anew.
   */
  readonly parentTurnId?: TurnId | null;
  /** Another model than the session's, for this turn alone. */
  readonly model?: string | undefined;
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
  | (AcceptedMessage & {
      readonly isBegun: boolean;
      /** It does not go on from the turn before it; see `QueuedTurn`. */
      readonly isBranched?: boolean;
      /** See `QueuedTurn`; left out where the turn has not begun. */
      readonly contextVersion?: ContextVersion;
      readonly hasOnlyMessages?: boolean;
      readonly session?: SessionNow;
    })
  /** There is no such session of this user, or no such turn in it to go on from. */
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
  /**
   * running -> waiting, for the `approvals` that are asked for with it. Where none is pending, or the
   * turn was cancelled meanwhile, it is queued at once.
   */
  readonly pause?: { readonly sinceMs: number };
  /** Tasks of the turn, running, that go on without it from now on; see `BackgroundTasks`. */
  readonly background?: readonly TaskId[];
  /** New questions to people, each pending. */
  readonly approvals?: readonly Approval[];
  /** New ones, and ends of reserved ones. */
  readonly modelCalls?: readonly ModelCall[];
  /** What the session has newly come into touch with. */
  readonly taint?: SessionTaint;
  /**
   * Milliseconds that the turn has run in all its runs up to now, for the budgets of time. It counts
   * as what it is more than what is on record, so the same write may be made twice.
   */
  readonly ranMs?: number;
  /**
   * Queued turns (`mode: "steer"`) whose messages are among `messages` now: they end as completed
   * without a run. One that is not queued any more fails the write as a whole, `TURN_JOINED`.
   */
  readonly joined?: readonly TurnId[];
  readonly nowMs: number;
}

export interface ImportTurn {
  /** Of a session that is not there yet. */
  readonly sessionId: SessionId;
  readonly userId: UserId;
  readonly turnId: TurnId;
  /** Oldest first, all of this session and turn; at least one. */
  readonly messages: readonly Message[];
  /** What the session has come into touch with from its start. */
  readonly taint?: SessionTaint;
  readonly title: string;
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

/** What a run has to know of its session from the start. */
export interface SessionNow {
  /** The model that answers: the turn's own choice, else the session's, else the default one. */
  readonly model?: string | undefined;
  readonly taint?: SessionTaint | undefined;
}

/** A turn that waits for its run, with all that the run needs to begin. */
export interface QueuedTurn {
  readonly turnId: TurnId;
  readonly sessionId: SessionId;
  readonly userId: UserId;
  readonly messageId: MessageId;
  readonly text: string;
  readonly acceptedAtMs: number;
  readonly session?: SessionNow | undefined;
  /** The attempt that begins next, from 1. */
  readonly attempt: number;
  /** The session's last stored event. */
  readonly headSeq: number;
  /** Its message has pictures too: they are in the store. */
  readonly hasImages?: boolean;
  /** It does not go on from the turn before it: what was said before it is in the store. */
  readonly isBranched?: boolean;
  /** As of when it began; left out where that is not known. */
  readonly contextVersion?: ContextVersion;
  /** When it was accepted there was nothing for models but messages: no notes, pins, compactions. */
  readonly hasOnlyMessages?: boolean;
}

/** A queued turn that is now stored as running. */
export interface ClaimedTurn extends QueuedTurn {
  /** It was cancelled while it waited: the run only writes that down. */
  readonly isCancelled: boolean;
  /** How long its runs took so far, the last `SaveTurn.ranMs` and what recoveries added; left out before the first. */
  readonly ranMs?: number | undefined;
}
