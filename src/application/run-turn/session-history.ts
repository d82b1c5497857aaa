import type { Message } from "#domain/message/message.ts";
import type { SessionId, TurnId } from "#domain/shared/id.ts";
import { LOADED_MESSAGES, type Summarised } from "../ports/build-context.ts";
import type { TurnDispatch } from "../ports/turn-runner.ts";

export interface SessionHistoryDeps {
  /** The latest `limit` messages up to and including those of a turn, oldest first. */
  readonly read: (
    sessionId: SessionId,
    turnId: TurnId,
    limit: number,
  ) => Promise<readonly Message[]>;
}

/** A session as a run left it. */
export interface LeftSession {
  /** Its last stored event. */
  readonly headSeq: number;
  readonly messages: readonly Message[];
  /** A summary stands for so many of them, from the first on; see `BuiltContext`. */
  readonly summarised: Summarised | undefined;
}

interface Kept {
  readonly headSeq: number;
  readonly messages: readonly Message[];
  /** Those before them were left out for a summary that holds at this version of the context. */
  readonly summarisedAt: number | undefined;
}

/** As many as `BuildContext` reckons with. */
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

  /**
   * The latest 400 messages up to and including those the turn has so far, oldest first; fewer where
   * a summary stands for the others.
   */
  async load(dispatch: TurnDispatch): Promise<readonly Message[]> {
    const { sessionId, turnId, headSeq, attempt, hasImages, isBranched } = dispatch;
    const kept = this.#kept.get(sessionId);
    this.#kept.delete(sessionId);
    const isKept = headSeq === 0 || (kept?.headSeq === headSeq && isWhole(kept, dispatch));
    const isCurrent = attempt === 1 && isKept && !hasImages && !isBranched;
    // What an earlier attempt of the turn has stored is counted, so all of it has to be there.
    if (attempt > 1) return this.#read(sessionId, turnId, MAX_MESSAGES_AGAIN);
    if (!isCurrent) return this.#read(sessionId, turnId, LOADED_MESSAGES);
    return [...(kept?.messages ?? []), userMessage(dispatch)];
  }

  /** Takes note of a session: of what a summary stands for nothing is kept. */
  keep(sessionId: SessionId, { headSeq, messages, summarised }: LeftSession): void {
    const kept = messages.slice(
      Math.max(summarised?.messages ?? 0, messages.length - LOADED_MESSAGES),
    );
    this.#kept.set(sessionId, { headSeq, messages: kept, summarisedAt: summarised?.version });
    if (this.#kept.size <= MAX_SESSIONS) return;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }
}

/** The summary may have been undone since. */
function isWhole({ summarisedAt }: Kept, { contextVersion }: TurnDispatch): boolean {
  return summarisedAt === undefined || summarisedAt === contextVersion?.session;
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
