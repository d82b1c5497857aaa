import type { NoteId, SessionId, TurnId, UserId } from "../shared/id.ts";

/** Something that is remembered about or for a user, in every session of theirs. */
export interface Note {
  readonly id: NoteId;
  readonly userId: UserId;
  readonly text: string;
  readonly source: NoteSource;
  readonly createdAtMs: number;
}

export type NoteSource =
  /** The user wrote it down themselves. */
  | { readonly kind: "user" }
  /**
   * The agent noted it in a turn. `untrusted` is where content from outside had come from in that
   * session by then: such a note may be a stranger's words, and is data, never an instruction.
   */
  | {
      readonly kind: "agent";
      readonly sessionId: SessionId;
      readonly turnId: TurnId;
      readonly untrusted?: string;
    };

export const MAX_NOTES = 200;
export const MAX_NOTE_CHARS = 1_000;

/** All reject with `Fault` `STORE_UNAVAILABLE` where the store cannot be used. */
export interface NoteRepository {
  /** Oldest first. */
  list(userId: UserId): Promise<readonly Note[]>;
  /** At most `MAX_NOTES` of one user. */
  add(note: Note): Promise<"added" | "too-many">;
  remove(input: Pick<Note, "id" | "userId">): Promise<"removed" | "not-found">;
}

const SHORT_ID_CHARS = 8;

/** How models name a note: the end of its id, where chance makes one differ from the other. */
export function shortNoteId(noteId: NoteId): string {
  return noteId.slice(-SHORT_ID_CHARS);
}
