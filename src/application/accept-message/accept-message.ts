import {
  parseMessageId,
  parseSessionId,
  parseTurnId,
  type SessionId,
  type TurnId,
  type UserId,
} from "#domain/shared/id.ts";
import type {
  AcceptedMessage,
  AcceptResult,
  AcceptTurn,
  QueuedTurn,
  TurnLog,
} from "#domain/turn/turn-log.ts";
import type { AcceptMessage, AcceptMessageInput } from "../ports/accept-message.ts";
import type { NewId, NowMs } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Admission, NotAdmitted } from "../ports/turn-runner.ts";

export interface AcceptMessageDeps {
  readonly turns: Pick<TurnLog, "accept">;
  readonly dispatcher: { admit(userId: UserId): Admission | NotAdmitted };
  /** Cancels the turn of the session that is under way before this one. */
  readonly interrupt: (turn: { sessionId: SessionId; turnId: TurnId }) => Promise<void>;
  readonly newId: NewId;
  /** An id that is greater than another, whatever the clock says. */
  readonly newIdAfter: (id: string) => string;
  readonly nowMs: NowMs;
  readonly log: Logger;
}

/**
 * Takes a message in. When the promise is fulfilled with `accepted`, message and turn are on disk
 * and the turn will run exactly once; the same client message id again gives the same answer and
 * runs nothing. Rejects with `Fault` `STORE_UNAVAILABLE`; then nothing was taken in, as far as this
 * instance knows: the same message may be sent again.
 */
export function createAcceptMessage(deps: AcceptMessageDeps): AcceptMessage {
  const { turns, dispatcher, interrupt, newId, newIdAfter, nowMs, log } = deps;

  return async function acceptMessage(input) {
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
    } finally {
      if (accepted === undefined) admission.doubt();
      else if (accepted.kind !== "accepted" || accepted.duplicate) admission.release();
      // What it shows comes in a later turn of the event loop, so never before this answer.
      else admission.dispatch(toQueued(input, accepted, nowHereMs), accepted.isBegun);
    }
    if (accepted.kind !== "accepted") return accepted;
    if (input.mode === "interrupt" && !accepted.isBegun) {
      // The message is taken in whatever comes of this. One that is sent again may have been taken in
      // by a process that died before it came to this.
      await interrupt(accepted).catch((error: unknown) => {
        const { turnId } = accepted as AcceptedMessage;
        log.warn({ turnId, error }, "A message could not interrupt the turn before it");
      });
    }
    const { kind, sessionId, messageId, turnId, seq, duplicate } = accepted;
    return { kind, sessionId, messageId, turnId, seq, duplicate };
  };

  function toTurn(input: AcceptMessageInput, { owner }: Admission, now: number): AcceptTurn {
    const { userId, clientMessageId, text, sessionId, images = [], mode, parentTurnId } = input;
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
      ...(images.length > 0 && { images }),
      ...(mode === "steer" && { mode }),
      ...(parentTurnId !== undefined && { parentTurnId }),
      ...(input.model !== undefined && { model: input.model }),
    };
  }
}

function toQueued(
  { userId, text, images = [] }: AcceptMessageInput,
  accepted: AcceptResult & { readonly kind: "accepted" },
  acceptedAtMs: number,
): QueuedTurn {
  const { turnId, sessionId, messageId, seq: headSeq, session, contextVersion } = accepted;
  const hasImages = images.length > 0;
  const turn = { turnId, sessionId, userId, messageId, text, acceptedAtMs, attempt: 1, headSeq };
  return {
    ...turn,
    ...(session !== undefined && { session }),
    ...(hasImages && { hasImages }),
    ...(accepted.isBranched === true && { isBranched: true }),
    ...(contextVersion !== undefined && { contextVersion }),
    ...(accepted.hasOnlyMessages === true && { hasOnlyMessages: true }),
  };
}
