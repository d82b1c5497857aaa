import {
  parseMessageId,
  parseSessionId,
  parseTurnId,
  type SessionId,
  type UserId,
} from "#domain/shared/id.ts";
import type { AcceptedMessage, AcceptResult, AcceptTurn, TurnLog } from "#domain/turn/turn-log.ts";
import type { NewId, NowMs } from "../ports/clock.ts";
import type { Admission, NotAdmitted } from "../ports/turn-runner.ts";

/** Checked by the channel: the id is 1 to 64 of `A-Za-z0-9_-`, the text 1 to 32,768 characters. */
export interface AcceptMessageInput {
  readonly userId: UserId;
  readonly clientMessageId: string;
  readonly text: string;
  /** Left out: a new session. */
  readonly sessionId?: SessionId | undefined;
  /** The id of that new session, where it is to have a certain one. */
  readonly newSessionId?: SessionId | undefined;
}

export type AcceptMessageResult =
  | AcceptedMessage
  | Exclude<AcceptResult, { kind: "accepted" | "outdated-id" }>
  | { readonly kind: "overloaded"; readonly retryAfterMs: number };

export interface AcceptMessageDeps {
  readonly turns: Pick<TurnLog, "accept">;
  readonly dispatcher: { admit(userId: UserId): Admission | NotAdmitted };
  readonly newId: NewId;
  /** An id that is greater than another, whatever the clock says. */
  readonly newIdAfter: (id: string) => string;
  readonly nowMs: NowMs;
}

/**
 * Takes a message in. When the promise is fulfilled with `accepted`, message and turn are on disk
 * and the turn will run exactly once; the same client message id again gives the same answer and
 * runs nothing. Rejects with `Fault` `STORE_UNAVAILABLE`; then nothing was taken in, as far as this
 * instance knows: the same message may be sent again.
 */
export function createAcceptMessage(deps: AcceptMessageDeps) {
  const { turns, dispatcher, newId, newIdAfter, nowMs } = deps;

  return async function acceptMessage(input: AcceptMessageInput): Promise<AcceptMessageResult> {
    const admission = dispatcher.admit(input.userId);
    if ("retryAfterMs" in admission) return { kind: "overloaded", ...admission };
    const nowHereMs = nowMs();
    let accepted: AcceptResult | undefined;
    try {
      const turn = toTurn(input, admission, nowHereMs);
      accepted = await turns.accept(turn);
      while (accepted.kind === "outdated-id") {
        const turnId = parseTurnId(newIdAfter(accepted.lastTurnId));
        accepted = await turns.accept({ ...turn, turnId });
      }
      if (accepted.kind !== "accepted") return accepted;
      const { isBegun: _, ...answer } = accepted;
      return answer;
    } finally {
      if (accepted === undefined) admission.doubt();
      else if (accepted.kind !== "accepted" || accepted.duplicate) admission.release();
      else {
        const { turnId, sessionId, messageId, seq: headSeq, isBegun } = accepted;
        const message = { messageId, text: input.text, acceptedAtMs: nowHereMs };
        const turn = { turnId, sessionId, userId: input.userId, ...message, attempt: 1, headSeq };
        // What it shows comes in a later turn of the event loop, so never before this answer.
        admission.dispatch(turn, isBegun);
      }
    }
  };

  function toTurn(input: AcceptMessageInput, { owner }: Admission, now: number): AcceptTurn {
    const { userId, clientMessageId, text, sessionId } = input;
    const newSessionId = input.newSessionId ?? parseSessionId(newId());
    return {
      turnId: parseTurnId(newId()),
      userId,
      clientMessageId,
      messageId: parseMessageId(newId()),
      text,
      session: { id: sessionId ?? newSessionId, isNew: sessionId === undefined },
      owner,
      nowMs: now,
    };
  }
}
