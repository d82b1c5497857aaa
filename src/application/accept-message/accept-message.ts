import {
  parseMessageId,
  parseSessionId,
  parseTurnId,
  type SessionId,
  type UserId,
} from "#domain/shared/id.ts";
import type { AcceptResult, TurnLog } from "#domain/turn/turn-log.ts";
import type { NewId, NowMs } from "../ports/clock.ts";
import type { Admission, NotAdmitted } from "../ports/turn-runner.ts";

/** Checked by the channel: the id is 1 to 64 of `A-Za-z0-9_-`, the text 1 to 32,768 characters. */
export interface AcceptMessageInput {
  readonly userId: UserId;
  readonly clientMessageId: string;
  readonly text: string;
  /** Left out: a new session. */
  readonly sessionId?: SessionId | undefined;
}

export type AcceptMessageResult =
  | AcceptResult
  | { readonly kind: "overloaded"; readonly retryAfterMs: number };

export interface AcceptMessageDeps {
  readonly turns: Pick<TurnLog, "accept">;
  readonly dispatcher: {
    admit(userId: UserId, sessionId?: SessionId): Admission | NotAdmitted;
  };
  readonly newId: NewId;
  readonly nowMs: NowMs;
}

/**
 * Takes a message in. When the promise is fulfilled with `accepted`, message and turn are on disk
 * and the turn will run exactly once; the same client message id again gives the same answer and
 * runs nothing. Rejects with `Fault` `STORE_UNAVAILABLE`; then nothing was taken in.
 */
export function createAcceptMessage({ turns, dispatcher, newId, nowMs }: AcceptMessageDeps) {
  return async function acceptMessage(input: AcceptMessageInput): Promise<AcceptMessageResult> {
    const { userId, clientMessageId, text } = input;
    const admission = dispatcher.admit(userId, input.sessionId);
    if ("retryAfterMs" in admission) return { kind: "overloaded", ...admission };
    const acceptedAtMs = nowMs();
    let accepted: AcceptResult | undefined;
    try {
      accepted = await turns.accept({
        turnId: parseTurnId(newId()),
        userId,
        clientMessageId,
        messageId: parseMessageId(newId()),
        text,
        session: {
          id: input.sessionId ?? parseSessionId(newId()),
          isNew: input.sessionId === undefined,
        },
        beginEpoch: admission.beginEpoch,
        nowMs: acceptedAtMs,
      });
      return accepted;
    } finally {
      if (accepted?.kind !== "accepted" || accepted.duplicate) admission.release();
      else {
        const { turnId, sessionId, messageId, seq: headSeq } = accepted;
        const message = { messageId, text, acceptedAtMs };
        const turn = { turnId, sessionId, userId, ...message, attempt: 1, headSeq };
        // What it shows comes in a later turn of the event loop, so never before this answer.
        admission.dispatch(turn);
      }
    }
  };
}
