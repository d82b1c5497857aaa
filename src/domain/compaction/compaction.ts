import type { Message } from "../message/message.ts";
import type { CompactionId, MessageId, SessionId, TurnId, UserId } from "../shared/id.ts";

/**
 * A summary that models get in place of the older part of a conversation. The messages themselves
 * stay; an undone one has no effect.
 */
export interface Compaction {
  readonly id: CompactionId;
  readonly sessionId: SessionId;
  /** It stands for all turns of its branch up to and including this one. */
  readonly upToTurnId: TurnId;
  readonly summary: string;
  /** Whose summary it is: `<provider>/<model>`, or "extract" where no model wrote it. */
  readonly model: string;
  /** How many messages it stands for. */
  readonly messages: number;
  readonly tokensBefore: number;
  readonly tokensAfter: number;
  readonly createdAtMs: number;
  readonly undone: { readonly by: UserId; readonly atMs: number } | undefined;
}

/** All reject with `Fault` `STORE_UNAVAILABLE` where the store cannot be used. */
export interface CompactionRepository {
  find(compactionId: CompactionId): Promise<Compaction | undefined>;
  /** Newest first, undone ones too. */
  list(sessionId: SessionId): Promise<readonly Compaction[]>;
  /** Stores it, with its entry in the audit log. */
  add(compaction: Compaction): Promise<void>;
  /** With its entry in the audit log. */
  undo(input: UndoCompaction): Promise<"undone" | "not-found" | "was-undone">;
}

export interface UndoCompaction {
  readonly compactionId: CompactionId;
  readonly by: UserId;
  readonly nowMs: number;
}

/** Messages that models get word for word, whatever is summarised. */
export interface PinRepository {
  list(sessionId: SessionId): Promise<readonly MessageId[]>;
  /**
   * At most `MAX_PINS` in a session, of `MAX_PINNED_CHARS` in all. `not-said`: a message of a tool.
   */
  pin(input: PinMessage): Promise<PinResult>;
  unpin(input: Pick<PinMessage, "sessionId" | "messageId">): Promise<"unpinned" | "not-found">;
}

export type PinResult = "pinned" | "not-found" | "not-said" | "too-many" | "too-large";

export interface PinMessage {
  readonly sessionId: SessionId;
  readonly messageId: MessageId;
  readonly nowMs: number;
}

export const MAX_PINS = 50;
export const MAX_PINNED_CHARS = 16_000;
/** A picture takes room too. */
const CHARS_OF_IMAGE = 4_000;

/** How much of the room for pins a message takes. */
export function pinnedChars({ parts }: Pick<Message, "parts">): number {
  return parts.reduce((sum, part) => {
    if (part.kind === "image") return sum + CHARS_OF_IMAGE;
    return part.kind === "text" ? sum + part.text.length : sum;
  }, 0);
}
