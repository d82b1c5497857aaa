import type { ReadContext, StoredContext } from "#application/ports/context-store.ts";
import type { AuditEvent } from "#domain/audit/audit-log.ts";
import type { Brake, ReleaseBrake } from "#domain/brake/brake.ts";
import {
  type Compaction,
  MAX_PINNED_CHARS,
  MAX_PINS,
  type PinMessage,
  type PinResult,
  pinnedChars,
  type UndoCompaction,
} from "#domain/compaction/compaction.ts";
import { MAX_NOTES, type Note, type NoteSource } from "#domain/memory/note.ts";
import {
  type CompactionId,
  type MessageId,
  parseCompactionId,
  parseMessageId,
  parseNoteId,
  parseSessionId,
  parseTurnId,
  parseUserId,
  type SessionId,
  type UserId,
} from "#domain/shared/id.ts";
import { queries } from "../load-queries.ts";
import type { QueryArgs } from "../query.ts";
import { messageFromRow } from "../rows.ts";
import type { Schema } from "../schema.ts";
import { all, get, run, type Script } from "../script.ts";
import { appendAudit } from "./audit-scripts.ts";

/** Of a session whose turns all follow one another nearly always one of these holds. */
const LATEST_COMPACTIONS = 4;
const MAX_COMPACTIONS = 50;

/* The brake; and compactions, pins and notes: what models are given besides messages. */

export function* findBrake(): Script<Brake | undefined> {
  const row = yield* get(queries.findBrake);
  if (row === undefined) return undefined;
  return { sinceMs: row.since_ms, by: parseUserId(row.user_id), reason: row.reason ?? undefined };
}

export function* engageBrake({ sinceMs, by, reason }: Brake): Script<"engaged" | "was-engaged"> {
  const args = { sinceMs, userId: by, reason: reason ?? null };
  if ((yield* run(queries.insertBrake, args)) === 0) return "was-engaged";
  const detail = reason === undefined ? {} : { reason };
  yield* appendAudit([brakeEvent("brake.engaged", { atMs: sinceMs, actor: by, detail })]);
  return "engaged";
}

export function* releaseBrake(input: ReleaseBrake): Script<"released" | "was-released"> {
  if ((yield* run(queries.deleteBrake)) === 0) return "was-released";
  const facts = { atMs: input.nowMs, actor: input.by, detail: {} };
  yield* appendAudit([brakeEvent("brake.released", facts)]);
  return "released";
}

function brakeEvent(
  action: string,
  facts: Pick<AuditEvent, "atMs" | "actor" | "detail">,
): AuditEvent {
  return { ...facts, action, subject: "agents", decision: "allowed" };
}

export function* findCompaction(compactionId: CompactionId): Script<Compaction | undefined> {
  const row = yield* get(queries.findCompaction, { compactionId });
  return row && compactionFromRow(row);
}

export function* listCompactions(sessionId: SessionId): Script<Compaction[]> {
  return (yield* all(queries.listCompactions, { sessionId })).map(compactionFromRow);
}

/** What models are given of a session and its user beside messages. */
export function* readContext({ sessionId, userId }: ReadContext): Script<StoredContext> {
  // First of all: what is read after it may be newer, and is never older.
  const session = yield* get(queries.findSession, { sessionId });
  const version = {
    session: session?.context_version ?? 0,
    user: yield* readUserContextVersion(userId),
  };
  const isBranched = session?.is_branched === 1;
  const compactions = yield* listLatestCompactions(sessionId, isBranched);
  // Without pins the session's messages are not gone through for them.
  const pins = yield* all(queries.listPins, { sessionId });
  const pinned = pins.length === 0 ? [] : yield* all(queries.listPinnedMessages, { sessionId });
  const notes = yield* listNotes(userId);
  return { version, notes, compactions, pinned: pinned.map(messageFromRow), isBranched };
}

/** How often the user's notes have changed. */
export function* readUserContextVersion(userId: UserId): Script<number> {
  return (yield* get(queries.findUserContextVersion, { userId }))?.context_version ?? 0;
}

function* listLatestCompactions(sessionId: SessionId, isBranched: boolean): Script<Compaction[]> {
  const list = function* (limit: number) {
    return (yield* all(queries.listLatestCompactions, { sessionId, limit })).map(compactionFromRow);
  };
  const latest = isBranched ? [] : yield* list(LATEST_COMPACTIONS);
  // One may be of the turn that runs, and those that were undone do not hold.
  const isEnough = latest.filter(({ undone }) => undone === undefined).length > 1;
  const isAll = !isBranched && latest.length < LATEST_COMPACTIONS;
  return isEnough || isAll ? latest : yield* list(MAX_COMPACTIONS);
}

export function* addCompaction(compaction: Compaction): Script<void> {
  const { id, sessionId, createdAtMs: atMs, upToTurnId, model } = compaction;
  const session = yield* get(queries.shareSession, { sessionId });
  if (session === undefined) return;
  if ((yield* run(queries.insertCompaction, compactionToArgs(compaction))) === 0) return;
  yield* run(queries.bumpSessionContextVersion, { sessionId });
  const { messages, tokensBefore, tokensAfter } = compaction;
  const detail = { compactionId: id, upToTurnId, model, messages, tokensBefore, tokensAfter };
  const about = { actor: session.user_id, subject: `session:${sessionId}` };
  const action = "session.compacted";
  yield* appendAudit([{ atMs, action, ...about, decision: "allowed", detail }]);
}

export function* undoCompaction(
  input: UndoCompaction,
): Script<"undone" | "not-found" | "was-undone"> {
  const { compactionId, by, nowMs } = input;
  const found = yield* findCompaction(compactionId);
  if (found === undefined) return "not-found";
  yield* get(queries.lockSession, { sessionId: found.sessionId });
  const isUndone = yield* run(queries.undoCompaction, { compactionId, undoneBy: by, nowMs });
  if (isUndone === 0) return "was-undone";
  yield* run(queries.bumpSessionContextVersion, { sessionId: found.sessionId });
  const about = { actor: by, subject: `session:${found.sessionId}`, detail: { compactionId } };
  const action = "session.compaction-undone";
  yield* appendAudit([{ atMs: nowMs, action, ...about, decision: "allowed" }]);
  return "undone";
}

export function* listPins(sessionId: SessionId): Script<MessageId[]> {
  const rows = yield* all(queries.listPins, { sessionId });
  return rows.map(({ message_id: id }) => parseMessageId(id));
}

export function* pinMessage(input: PinMessage): Script<PinResult> {
  const { sessionId, messageId, nowMs } = input;
  if ((yield* get(queries.lockSession, { sessionId })) === undefined) return "not-found";
  const row = yield* get(queries.findMessage, { sessionId, messageId });
  if (row === undefined) return "not-found";
  const message = messageFromRow(row);
  if (message.role === "tool") return "not-said";
  const pinned = (yield* all(queries.listPinnedMessages, { sessionId })).map(messageFromRow);
  if (pinned.some(({ id }) => id === messageId)) return "pinned";
  if (pinned.length >= MAX_PINS) return "too-many";
  const chars = [...pinned, message].reduce((sum, each) => sum + pinnedChars(each), 0);
  if (chars > MAX_PINNED_CHARS) return "too-large";
  yield* run(queries.insertPin, { sessionId, messageId, nowMs });
  yield* run(queries.bumpSessionContextVersion, { sessionId });
  return "pinned";
}

export function* unpinMessage(
  input: Pick<PinMessage, "sessionId" | "messageId">,
): Script<"unpinned" | "not-found"> {
  const { sessionId, messageId } = input;
  yield* get(queries.lockSession, { sessionId });
  if ((yield* run(queries.deletePin, { sessionId, messageId })) === 0) return "not-found";
  yield* run(queries.bumpSessionContextVersion, { sessionId });
  return "unpinned";
}

export function* listNotes(userId: UserId): Script<Note[]> {
  return (yield* all(queries.listNotes, { userId })).map(noteFromRow);
}

export function* addNote(note: Note): Script<"added" | "too-many"> {
  const { userId } = note;
  yield* get(queries.lockUser, { userId });
  if ((yield* all(queries.listNotes, { userId })).length >= MAX_NOTES) return "too-many";
  const isNew = (yield* run(queries.insertNote, noteToArgs(note))) === 1;
  if (isNew) yield* run(queries.bumpUserContextVersion, { userId });
  return "added";
}

export function* removeNote(input: Pick<Note, "id" | "userId">): Script<"removed" | "not-found"> {
  const { id: noteId, userId } = input;
  yield* get(queries.lockUser, { userId });
  if ((yield* run(queries.deleteNote, { userId, noteId })) === 0) return "not-found";
  yield* run(queries.bumpUserContextVersion, { userId });
  return "removed";
}

function compactionToArgs(compaction: Compaction): QueryArgs {
  const { id: compactionId, undone, ...rest } = compaction;
  return {
    compactionId,
    ...rest,
    undoneBy: undone?.by ?? null,
    undoneAtMs: undone?.atMs ?? null,
  };
}

function compactionFromRow(row: Schema["compaction"]): Compaction {
  const { undone_by: by, undone_at_ms: atMs } = row;
  return {
    id: parseCompactionId(row.compaction_id),
    sessionId: parseSessionId(row.session_id),
    upToTurnId: parseTurnId(row.up_to_turn_id),
    summary: row.summary,
    model: row.model,
    messages: row.messages,
    tokensBefore: row.tokens_before,
    tokensAfter: row.tokens_after,
    createdAtMs: row.created_at_ms,
    undone: by === null ? undefined : { by: parseUserId(by), atMs: atMs ?? 0 },
  };
}

function noteToArgs({ id: noteId, userId, text, source, createdAtMs }: Note): QueryArgs {
  const agent = source.kind === "agent" ? source : undefined;
  return {
    noteId,
    userId,
    text,
    source: source.kind,
    sessionId: agent?.sessionId ?? null,
    turnId: agent?.turnId ?? null,
    untrusted: agent?.untrusted ?? null,
    createdAtMs,
  };
}

function noteFromRow(row: Schema["note"]): Note {
  return {
    id: parseNoteId(row.note_id),
    userId: parseUserId(row.user_id),
    text: row.text,
    source: sourceFromRow(row),
    createdAtMs: row.created_at_ms,
  };
}

function sourceFromRow(row: Schema["note"]): NoteSource {
  const { session_id: sessionId, turn_id: turnId, untrusted_from: untrusted } = row;
  if (sessionId === null || turnId === null) return { kind: "user" };
  return {
    kind: "agent",
    sessionId: parseSessionId(sessionId),
    turnId: parseTurnId(turnId),
    ...(untrusted !== null && { untrusted }),
  };
}
