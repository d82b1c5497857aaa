import type { Compaction } from "#domain/compaction/compaction.ts";
import type { Note } from "#domain/memory/note.ts";
import type { Message } from "#domain/message/message.ts";
import type { ContextVersion } from "#domain/session/context-version.ts";
import type { SessionId, TurnId, UserId } from "#domain/shared/id.ts";

/** What is stored for models beside the latest messages. Rejects with `Fault` `STORE_UNAVAILABLE`. */
export interface ContextStore {
  /** What is stored now; of what changes meanwhile some may be of before and some of after. */
  read(input: ReadContext): Promise<StoredContext>;
  /** The latest `limit` messages up to and including those of a turn, oldest first. */
  readMessages(sessionId: SessionId, turnId: TurnId, limit: number): Promise<readonly Message[]>;
  /** Stores it, with its entry in the audit log. */
  addCompaction(compaction: Compaction): Promise<void>;
}

export interface ReadContext {
  readonly sessionId: SessionId;
  readonly userId: UserId;
}

export interface StoredContext {
  /** Of all of it, or of before some of it. */
  readonly version: ContextVersion;
  /** Of the user, oldest first. */
  readonly notes: readonly Note[];
  /** The session's latest ones, newest first, undone ones too. */
  readonly compactions: readonly Compaction[];
  /** In the order of the conversation. */
  readonly pinned: readonly Message[];
  /** Turns of the session do not all follow one another. */
  readonly isBranched: boolean;
}
