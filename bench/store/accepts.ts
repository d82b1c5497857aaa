import { randomUUID } from "node:crypto";
import { parseMessageId, parseSessionId, parseTurnId, type SessionId } from "#domain/shared/id.ts";
import type { AcceptTurn, TurnOwner } from "#domain/turn/turn-log.ts";
import { ADMIN } from "#domain/user/user.ts";
import { newId } from "#infrastructure/ids/ids.ts";

/** Messages to accept, one after the other. */
export type NextAccept = () => AcceptTurn;

const TEXT = "What is the weather like in Rome at the weekend, and shall I take a coat?";

/** Each in a session of its own that is made along with it. */
export function inNewSessions(owner: TurnOwner): NextAccept {
  return () => toAccept(owner, { id: parseSessionId(newId()), isNew: true });
}

/** In `sessions` by turns. */
export function inSessions(owner: TurnOwner, sessions: readonly SessionId[]): NextAccept {
  let next = 0;
  return () => {
    const id = sessions[next++ % sessions.length] as SessionId;
    return toAccept(owner, { id, isNew: false });
  };
}

function toAccept(owner: TurnOwner, session: AcceptTurn["session"]): AcceptTurn {
  return {
    turnId: parseTurnId(newId()),
    userId: ADMIN.id,
    clientMessageId: randomUUID(),
    messageId: parseMessageId(newId()),
    text: TEXT,
    session,
    owner,
    nowMs: Date.now(),
  };
}
