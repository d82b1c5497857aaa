import type { Note, NoteRepository } from "#domain/memory/note.ts";
import { type NoteId, parseNoteId, type UserId } from "#domain/shared/id.ts";
import type { NewId, NowMs } from "../ports/clock.ts";

export interface ManageMemoryDeps {
  readonly notes: NoteRepository;
  readonly newId: NewId;
  readonly nowMs: NowMs;
}

export type ManageMemory = ReturnType<typeof createManageMemory>;

/** What users do with the notes about them; those of others do not exist for them. */
export function createManageMemory({ notes, newId, nowMs }: ManageMemoryDeps) {
  return {
    /** Oldest first. */
    listNotes: (userId: UserId): Promise<readonly Note[]> => notes.list(userId),

    /** A note that the user writes down: models may take it at its word. */
    async addNote(input: {
      readonly userId: UserId;
      readonly text: string;
    }): Promise<Note | "too-many"> {
      const id = parseNoteId(newId());
      const note: Note = { id, ...input, source: { kind: "user" }, createdAtMs: nowMs() };
      return (await notes.add(note)) === "added" ? note : "too-many";
    },

    deleteNote: (input: { readonly userId: UserId; readonly noteId: NoteId }) =>
      notes.remove({ userId: input.userId, id: input.noteId }),
  };
}
