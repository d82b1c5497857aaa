import type { ContextStore, StoredContext } from "#application/ports/context-store.ts";
import type { Compaction } from "#domain/compaction/compaction.ts";
import type { Note } from "#domain/memory/note.ts";
import type { Message } from "#domain/message/message.ts";
import type { ContextVersion } from "#domain/session/context-version.ts";
import type { CompactionId, MessageId } from "#domain/shared/id.ts";
import { parseUserId } from "#domain/shared/id.ts";

/** What is stored of one session, to be changed at will between two reads. */
export class MemoryContextStore implements ContextStore {
  readonly messages: Message[] = [];
  readonly compactions: Compaction[] = [];
  readonly pins = new Set<MessageId>();
  notes: readonly Note[] = [];
  isBranched = false;
  version: ContextVersion = { session: 1, user: 1 };

  async read(): Promise<StoredContext> {
    return {
      version: this.version,
      notes: this.notes,
      compactions: this.compactions.toReversed(),
      pinned: this.messages.filter(({ id }) => this.pins.has(id)),
      isBranched: this.isBranched,
    };
  }

  async readMessages(_sessionId: unknown, turnId: string, limit: number): Promise<Message[]> {
    return this.messages.filter((message) => message.turnId <= turnId).slice(-limit);
  }

  async addCompaction(compaction: Compaction): Promise<void> {
    this.compactions.push(compaction);
  }

  undo(compactionId: CompactionId): void {
    const at = this.compactions.findIndex(({ id }) => id === compactionId);
    const compaction = this.compactions[at];
    if (compaction === undefined) return;
    this.compactions[at] = { ...compaction, undone: { by: parseUserId("u1"), atMs: 1 } };
  }
}
