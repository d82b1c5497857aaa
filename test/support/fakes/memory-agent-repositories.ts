import type { Brake, BrakeRepository } from "#domain/brake/brake.ts";
import {
  type Compaction,
  type CompactionRepository,
  MAX_PINS,
  type PinRepository,
} from "#domain/compaction/compaction.ts";
import { MAX_NOTES, type Note, type NoteRepository } from "#domain/memory/note.ts";
import type { MessageId, SessionId } from "#domain/shared/id.ts";

/** Who did what. */
export type TellAudit = (action: string, actor: string) => void;

export function createMemoryBrake(tell: TellAudit = () => undefined): BrakeRepository {
  let brake: Brake | undefined;
  return {
    find: async () => brake,
    engage: async (wanted) => {
      if (brake !== undefined) return "was-engaged";
      brake = wanted;
      tell("brake.engaged", wanted.by);
      return "engaged";
    },
    release: async ({ by }) => {
      if (brake === undefined) return "was-released";
      brake = undefined;
      tell("brake.released", by);
      return "released";
    },
  };
}

/** `ownerOf`: whose a session is. */
export function createMemoryCompactions(
  ownerOf: (sessionId: SessionId) => string = () => "alice",
  tell: TellAudit = () => undefined,
): CompactionRepository {
  const compactions = new Map<string, Compaction>();
  return {
    find: async (id) => compactions.get(id),
    list: async (sessionId) =>
      [...compactions.values()]
        .filter((each) => each.sessionId === sessionId)
        .toSorted((one, other) => other.createdAtMs - one.createdAtMs),
    add: async (compaction) => {
      if (compactions.has(compaction.id)) return;
      compactions.set(compaction.id, compaction);
      tell("session.compacted", ownerOf(compaction.sessionId));
    },
    undo: async ({ compactionId, by, nowMs }) => {
      const found = compactions.get(compactionId);
      if (found === undefined) return "not-found";
      if (found.undone !== undefined) return "was-undone";
      compactions.set(compactionId, { ...found, undone: { by, atMs: nowMs } });
      tell("session.compaction-undone", by);
      return "undone";
    },
  };
}

/** `hasMessage`: whether a session has a message. */
export function createMemoryPins(
  hasMessage: (sessionId: SessionId, messageId: MessageId) => boolean,
): PinRepository {
  const pins = new Map<SessionId, Map<MessageId, number>>();
  const of = (sessionId: SessionId) => pins.get(sessionId) ?? new Map<MessageId, number>();
  return {
    list: async (sessionId) =>
      [...of(sessionId)].toSorted(([, one], [, other]) => one - other).map(([id]) => id),
    pin: async ({ sessionId, messageId, nowMs }) => {
      if (!hasMessage(sessionId, messageId)) return "not-found";
      const ofSession = of(sessionId);
      if (ofSession.has(messageId)) return "pinned";
      if (ofSession.size >= MAX_PINS) return "too-many";
      pins.set(sessionId, ofSession.set(messageId, nowMs));
      return "pinned";
    },
    unpin: async ({ sessionId, messageId }) =>
      of(sessionId).delete(messageId) ? "unpinned" : "not-found",
  };
}

export function createMemoryNotes(): NoteRepository {
  let notes: readonly Note[] = [];
  const of = (userId: string) =>
    notes
      .filter((note) => note.userId === userId)
      .toSorted((one, other) => one.createdAtMs - other.createdAtMs);
  return {
    list: async (userId) => of(userId),
    add: async (note) => {
      if (of(note.userId).length >= MAX_NOTES) return "too-many";
      notes = [...notes, note];
      return "added";
    },
    remove: async ({ id, userId }) => {
      const left = notes.filter((note) => note.id !== id || note.userId !== userId);
      if (left.length === notes.length) return "not-found";
      notes = left;
      return "removed";
    },
  };
}
