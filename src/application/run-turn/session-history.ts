import type { Message } from "#domain/message/message.ts";
import type { SessionId, TurnId } from "#domain/shared/id.ts";
import type { TurnDispatch } from "../ports/turn-runner.ts";

export interface SessionHistoryDeps {
  /** The latest `limit` messages up to and including those of a turn, oldest first. */
  readonly read: (
    sessionId: SessionId,
    turnId: TurnId,
    limit: number,
  ) => Promise<readonly Message[]>;
}

interface Kept {
  readonly headSeq: number;
  readonly messages: readonly Message[];
}

const MAX_MESSAGES = 200;
const MAX_MESSAGES_AGAIN = 20_000;
const MAX_SESSIONS = 2_000;

/**
 * What was said in sessions, for the runs of one thread. Remembers how a run left its session and
 * uses that again where the log has not moved on since; everything else is read from the store.
 */
export class SessionHistory {
  readonly #read: SessionHistoryDeps["read"];
  /** In the order of last use. */
  readonly #kept = new Map<SessionId, Kept>();

  constructor({ read }: SessionHistoryDeps) {
    this.#read = read;
  }

  /** The latest 200 messages up to and including those the turn has so far, oldest first. */
  async load(dispatch: TurnDispatch): Promise<readonly Message[]> {
    const { sessionId, turnId, headSeq, attempt } = dispatch;
    const kept = this.#kept.get(sessionId);
    this.#kept.delete(sessionId);
    const isCurrent = attempt === 1 && (headSeq === 0 || kept?.headSeq === headSeq);
    // What an earlier attempt of the turn has stored is counted, so all of it has to be there.
    if (attempt > 1) return this.#read(sessionId, turnId, MAX_MESSAGES_AGAIN);
    if (!isCurrent) return this.#read(sessionId, turnId, MAX_MESSAGES);
    return [...(kept?.messages ?? []), userMessage(dispatch)];
  }

  /** Takes note of the session as a run left it, `headSeq` being its last stored event. */
  keep(sessionId: SessionId, headSeq: number, messages: readonly Message[]): void {
    this.#kept.set(sessionId, { headSeq, messages: messages.slice(-MAX_MESSAGES) });
    if (this.#kept.size <= MAX_SESSIONS) return;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }
}

function userMessage({
  messageId: id,
  sessionId,
  turnId,
  text,
  acceptedAtMs,
}: TurnDispatch): Message {
  const parts = [{ kind: "text", text }] as const;
  return {
    id,
    sessionId,
    turnId,
    role: "user",
    parts,
    isComplete: true,
    createdAtMs: acceptedAtMs,
  };
}
