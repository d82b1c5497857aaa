import {
  MAX_NOTE_CHARS,
  MAX_NOTES,
  type NoteRepository,
  shortNoteId,
} from "#domain/memory/note.ts";
import type { ToolOutcome } from "#domain/message/message.ts";
import type { SessionTaint } from "#domain/session/session-taint.ts";
import { parseNoteId, type SessionId, type TurnId, type UserId } from "#domain/shared/id.ts";
import type { SkillTool } from "#domain/skill/skill.ts";
import type { NewId, NowMs } from "../ports/clock.ts";

export const REMEMBER = "remember";
export const FORGET = "forget";

export interface NoteToolsDeps {
  readonly notes: NoteRepository;
  /** What a session has come into touch with, as it is on record. */
  readonly findTaint: (sessionId: SessionId) => Promise<SessionTaint>;
  readonly newId: NewId;
  readonly nowMs: NowMs;
}

export const NOTE_TOOLS: readonly SkillTool[] = [
  {
    name: REMEMBER,
    description:
      "Notes something about the user, or something they want kept, for all their later conversations. Only what will still matter then; never a password or key.",
    inputSchema: {
      type: "object",
      properties: { text: { type: "string", minLength: 1, maxLength: MAX_NOTE_CHARS } },
      required: ["text"],
      additionalProperties: false,
    },
    effects: ["write"],
    examples: [{ text: "remember that {text}", input: { text: "{text}" } }],
    textInput: "text",
    answer: "Noted: {text}",
  },
  {
    name: FORGET,
    description: "Deletes one of the notes about the user, by the id that stands before it.",
    inputSchema: {
      type: "object",
      properties: { id: { type: "string", minLength: 8, maxLength: 64 } },
      required: ["id"],
      additionalProperties: false,
    },
    effects: ["write"],
    examples: [],
    textInput: "id",
    answer: "Forgotten: {text}",
  },
];

export interface NotingTurn {
  readonly userId: UserId;
  readonly sessionId: SessionId;
  readonly turnId: TurnId;
}

/** Notes a text, with where it comes from. */
export async function remember(
  { notes, findTaint, newId, nowMs }: NoteToolsDeps,
  { userId, sessionId, turnId }: NotingTurn,
  text: string,
): Promise<ToolOutcome> {
  if (text.trim() === "") return failed("Cannot note an empty text");
  const { untrusted } = await findTaint(sessionId);
  const id = parseNoteId(newId());
  const origin = { kind: "agent", sessionId, turnId } as const;
  const source = untrusted === undefined ? origin : { ...origin, untrusted };
  const result = await notes.add({ id, userId, text, source, createdAtMs: nowMs() });
  if (result === "added") return { kind: "ok", output: { id: shortNoteId(id), text } };
  return failed(`There are ${MAX_NOTES} notes already: forget some that do not matter any more`);
}

/** Deletes the one note of the user whose id ends so. */
export async function forget(
  { notes }: NoteToolsDeps,
  userId: UserId,
  ending: string,
): Promise<ToolOutcome> {
  const found = (await notes.list(userId)).filter(({ id }) => id.endsWith(ending));
  const [note, another] = found;
  if (note === undefined) return failed(`There is no note "${ending}"`);
  if (another !== undefined) return failed(`More than one note's id ends in "${ending}"`);
  const result = await notes.remove({ id: note.id, userId });
  if (result === "not-found") return failed(`There is no note "${ending}" any more`);
  return { kind: "ok", output: { id: shortNoteId(note.id), text: note.text } };
}

function failed(message: string): ToolOutcome {
  return { kind: "error", code: "failed", message };
}
