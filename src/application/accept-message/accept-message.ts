import {
  parseMessageId,
  parseSessionId,
  parseTurnId,
  type SessionId,
  type UserId,
} from "#domain/shared/id.ts";
import type { AcceptResult, QueuedTurn, TurnLog } from "#domain/turn/turn-log.ts";
import type { NewId, NowMs } from "../ports/clock.ts";

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
    admit(userId: UserId): { readonly retryAfterMs: number } | undefined;
    release(userId: UserId): void;
    dispatch(turn: QueuedTurn): void;
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
    const full = dispatcher.admit(userId);
    if (full !== undefined) return { kind: "overloaded", ...full };
    const acceptedAtMs = nowMs();
    let isDispatched = false;
    try {
      const accepted = await turns.accept({
        turnId: parseTurnId(newId()),
        userId,
        clientMessageId,
        messageId: parseMessageId(newId()),
        text,
        session: {
          id: input.sessionId ?? parseSessionId(newId()),
          isNew: input.sessionId === undefined,
        },
        nowMs: acceptedAtMs,
      });
      if (accepted.kind === "accepted" && !accepted.duplicate) {
        const { turnId, sessionId, messageId, seq: headSeq } = accepted;
        const message = { messageId, text, acceptedAtMs };
        const turn = { turnId, sessionId, userId, ...message, attempt: 1, headSeq };
        isDispatched = true;
        // What it shows comes in a later turn of the event loop, so never before this answer.
        dispatcher.dispatch(turn);
      }
      return accepted;
    } finally {
      if (!isDispatched) dispatcher.release(userId);
    }
  };
}
