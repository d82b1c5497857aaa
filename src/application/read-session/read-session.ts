import type { AuditEvent } from "#domain/audit/audit-log.ts";
import type { Message } from "#domain/message/message.ts";
import type { Session } from "#domain/session/session.ts";
import type {
  ListSessions,
  SessionRepository,
  TurnSummary,
} from "#domain/session/session-repository.ts";
import type { MessageId, SessionId, UserId } from "#domain/shared/id.ts";
import type { NowMs } from "../ports/clock.ts";

export interface ReadMessagesInput {
  readonly userId: UserId;
  readonly sessionId: SessionId;
  readonly limit: number;
  readonly before?: MessageId | undefined;
}

/** A stretch of a conversation, and the position in its log to follow it from. */
export interface ReadMessagesResult {
  readonly messages: readonly Message[];
  readonly seq: number;
  readonly epoch: number;
  /** How the turns of these messages stand. */
  readonly turns: readonly TurnSummary[];
}

export interface ReadSessionDeps {
  readonly sessions: SessionRepository;
  /** Ends the calls that go on without their turns, as far as this instance can. */
  readonly stopCallsOf: (sessionId: SessionId) => void;
  /** Fulfilled when it is on record. */
  readonly audit: (event: AuditEvent) => Promise<void>;
  readonly nowMs: NowMs;
}

/** What users read of their sessions; another user's session does not exist for them. */
export function createReadSession({ sessions, stopCallsOf, audit, nowMs }: ReadSessionDeps) {
  const findOwn = async (userId: UserId, sessionId: SessionId): Promise<Session | undefined> => {
    const session = await sessions.find(sessionId);
    return session?.userId === userId ? session : undefined;
  };

  return {
    listSessions: (input: ListSessions) => sessions.list(input),

    findSession: (input: { readonly userId: UserId; readonly sessionId: SessionId }) =>
      findOwn(input.userId, input.sessionId),

    async readMessages(input: ReadMessagesInput): Promise<ReadMessagesResult | undefined> {
      const { userId, sessionId, limit, before } = input;
      const page = { sessionId, limit, ...(before === undefined ? {} : { before }) };
      const stored = await sessions.readConversation(page);
      if (stored?.session.userId !== userId) return undefined;
      const { session, messages, turns } = stored;
      return { messages, seq: session.headSeq, epoch: session.headEpoch, turns };
    },

    async deleteSession(input: { readonly userId: UserId; readonly sessionId: SessionId }) {
      const session = await findOwn(input.userId, input.sessionId);
      if (session === undefined) return "not-found";
      const result = await sessions.delete(session.id);
      if (result !== "deleted") return result;
      stopCallsOf(session.id);
      await audit(deletionOf(session, nowMs()));
      return result;
    },
  };
}

function deletionOf({ id, userId }: Session, atMs: number): AuditEvent {
  const about = { atMs, actor: userId, action: "session.deleted", subject: `session:${id}` };
  return { ...about, decision: "allowed", detail: null };
}
