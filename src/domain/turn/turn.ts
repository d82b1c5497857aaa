import type { Failure } from "../shared/fault.ts";
import type { MessageId, SessionId, TurnId, UserId } from "../shared/id.ts";

/** One message and all that the agent does to answer it. */
export interface Turn {
  readonly id: TurnId;
  readonly sessionId: SessionId;
  readonly userId: UserId;
  readonly userMessageId: MessageId;
  readonly state: TurnState;
  /** How often the turn was begun; counted before anything else is done. */
  readonly attempts: number;
  /** Fencing number of the run that owns the turn; 0 before the first. */
  readonly epoch: number;
  /** Of these attempts: those that were given up to wait for people. */
  readonly pauses?: number;
  /** Somebody wants it ended; its run is told. */
  readonly isCancelled: boolean;
  readonly createdAtMs: number;
  /** The turn it goes on from, where that is not the one before it; `null`: it begins anew. */
  readonly parentTurnId?: TurnId | null;
  /** The turn that took its message in. It had no run of its own. */
  readonly joinedTurnId?: TurnId;
}

export type TurnState =
  | { readonly kind: "queued" }
  | { readonly kind: "running"; readonly startedAtMs: number }
  /** It has asked for approvals and no run has it in hand. */
  | { readonly kind: "waiting"; readonly sinceMs: number }
  | { readonly kind: "completed"; readonly endedAtMs: number }
  | { readonly kind: "cancelled"; readonly endedAtMs: number }
  | { readonly kind: "failed"; readonly endedAtMs: number; readonly failure: Failure };

export type FinalTurnState = Exclude<TurnState, { kind: "queued" | "running" | "waiting" }>;

/** A turn that was begun this often and never ended is failed, not begun again. */
export const MAX_TURN_ATTEMPTS = 8;

/** A turn that runs has it on record at least this often how long it did, once it has run so long. */
export const TIME_SAVED_EVERY_MS = 2_000;
/**
 * What a run may have taken that is not on record when it dies: so much counts as taken then, since
 * nobody knows. It is what a turn waits with saving, and what a clock and a store may add to that.
 */
export const UNSAVED_TIME_MOST_MS = 2_500;

export function isFinal(state: TurnState): state is FinalTurnState {
  return state.kind !== "queued" && state.kind !== "running" && state.kind !== "waiting";
}

/** queued -> running, as attempt number `attempts + 1` under fencing number `epoch`. */
export function beginTurn(turn: Turn, epoch: number, nowMs: number): Turn {
  assertState(turn, "begin", "queued");
  return {
    ...turn,
    state: { kind: "running", startedAtMs: nowMs },
    attempts: turn.attempts + 1,
    epoch,
  };
}

/** running -> a final state; a queued turn may only be cancelled or failed. */
export function endTurn(turn: Turn, state: FinalTurnState): Turn {
  if (state.kind === "completed") assertState(turn, "complete", "running");
  else assertState(turn, "end", "queued", "running");
  return { ...turn, state };
}

/** What becomes of a turn whose run died with its process or thread. */
export function recoverTurn(turn: Turn, nowMs: number): Turn {
  assertState(turn, "recover", "running");
  const deaths = turn.attempts - (turn.pauses ?? 0);
  if (deaths < MAX_TURN_ATTEMPTS) return { ...turn, state: { kind: "queued" } };
  const failure = {
    code: "TURN_CRASHED",
    message: `The answer was begun ${deaths} times and Nexflow stopped each time`,
  };
  return { ...turn, state: { kind: "failed", endedAtMs: nowMs, failure } };
}

function assertState(turn: Turn, verb: string, ...expected: TurnState["kind"][]): void {
  if (expected.includes(turn.state.kind)) return;
  throw new RangeError(
    `Cannot ${verb} turn "${turn.id}": it is "${turn.state.kind}", expected ${expected.join(" or ")}`,
  );
}
