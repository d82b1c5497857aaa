import { describe, test } from "vitest";
import type { BrakeRepository } from "#domain/brake/brake.ts";
import {
  type Compaction,
  type CompactionRepository,
  MAX_PINS,
  type PinRepository,
} from "#domain/compaction/compaction.ts";
import { MAX_NOTES, type Note, type NoteRepository } from "#domain/memory/note.ts";
import {
  type MessageId,
  parseCompactionId,
  parseMessageId,
  parseNoteId,
  parseSessionId,
  parseTurnId,
  type SessionId,
} from "#domain/shared/id.ts";
import { ALICE, BOB, nextId } from "../support/agent-store.ts";

interface UnderTest extends AsyncDisposable {
  /** The audit log's actions, with who did them. */
  audited(): Promise<readonly (readonly [action: string, actor: string])[]>;
}

export interface BrakeUnderTest extends UnderTest {
  readonly brake: BrakeRepository;
}

export interface CompactionsUnderTest extends UnderTest {
  readonly compactions: CompactionRepository;
  /** A session of Alice's. */
  addSession(): Promise<SessionId>;
}

export interface PinsUnderTest extends AsyncDisposable {
  readonly pins: PinRepository;
  /** A session with so many messages. */
  addMessages(count: number): Promise<{
    readonly sessionId: SessionId;
    readonly messageIds: readonly MessageId[];
  }>;
}

export interface NotesUnderTest extends AsyncDisposable {
  readonly notes: NoteRepository;
}

/** What every brake promises. */
export function describeBrakeRepository(name: string, open: () => Promise<BrakeUnderTest>): void {
  describe(`BrakeRepository ${name}`, () => {
    test("is on for all until somebody releases it, and all of it is on record", async ({
      expect,
    }) => {
      await using store = await open();
      const { brake } = store;
      expect(await brake.find()).toBe(undefined);
      expect(await brake.release({ by: BOB, nowMs: 1 })).toBe("was-released");
      const first = { sinceMs: 2, by: ALICE, reason: "It does too much" };
      expect(await brake.engage(first)).toBe("engaged");
      const again = { sinceMs: 3, by: BOB, reason: undefined };
      expect(await brake.engage(again)).toBe("was-engaged");
      expect(await brake.find()).toEqual(first);
      expect(await brake.release({ by: BOB, nowMs: 4 })).toBe("released");
      expect(await brake.find()).toBe(undefined);
      const both = await Promise.all([brake.engage(again), brake.engage(again)]);
      expect(both.toSorted()).toEqual(["engaged", "was-engaged"]);
      expect(await brake.find()).toEqual(again);
      expect(await store.audited()).toEqual([
        ["brake.engaged", ALICE],
        ["brake.released", BOB],
        ["brake.engaged", BOB],
      ]);
    });
  });
}

/** What every record of summaries promises. */
export function describeCompactionRepository(
  name: string,
  open: () => Promise<CompactionsUnderTest>,
): void {
  describe(`CompactionRepository ${name}`, () => {
    test("keeps summaries, undone ones too, and puts them on record", async ({ expect }) => {
      await using store = await open();
      const { compactions } = store;
      const sessionId = await store.addSession();
      const [first, second] = [compactionOf(sessionId, 1), compactionOf(sessionId, 2)];
      const elsewhere = compactionOf(await store.addSession(), 3);
      for (const each of [first, second, elsewhere, first]) await compactions.add(each);
      expect(await compactions.list(sessionId)).toEqual([second, first]);
      expect(await compactions.find(first.id)).toEqual(first);
      const undo = { compactionId: first.id, by: BOB, nowMs: 5 };
      expect(await compactions.undo(undo)).toBe("undone");
      expect(await compactions.undo({ ...undo, by: ALICE })).toBe("was-undone");
      const unknown = parseCompactionId("none");
      expect(await compactions.undo({ ...undo, compactionId: unknown })).toBe("not-found");
      expect(await compactions.find(unknown)).toBe(undefined);
      const undone = { ...first, undone: { by: BOB, atMs: 5 } };
      expect(await compactions.list(sessionId)).toEqual([second, undone]);
      const compacted = ["session.compacted", ALICE];
      expect(await store.audited()).toEqual([
        compacted,
        compacted,
        compacted,
        ["session.compaction-undone", BOB],
      ]);
    });
  });
}

/** What every record of pins promises. */
export function describePinRepository(name: string, open: () => Promise<PinsUnderTest>): void {
  describe(`PinRepository ${name}`, () => {
    test("pins messages of a session once, in order, and so many", async ({ expect }) => {
      await using store = await open();
      const { pins } = store;
      const { sessionId, messageIds } = await store.addMessages(MAX_PINS + 1);
      const other = await store.addMessages(1);
      const pin = (messageId: MessageId, nowMs: number) =>
        pins.pin({ sessionId, messageId, nowMs });
      const nowhere = { sessionId: parseSessionId("nowhere"), nowMs: 1 };
      for (const messageId of [parseMessageId("none"), ...other.messageIds]) {
        expect(await pin(messageId, 1)).toBe("not-found");
        expect(await pins.pin({ ...nowhere, messageId })).toBe("not-found");
      }
      const most = messageIds.slice(0, MAX_PINS);
      for (const [at, messageId] of most.toReversed().entries()) {
        expect(await pin(messageId, at)).toBe("pinned");
      }
      expect(await pins.list(sessionId)).toEqual(most.toReversed());
      const last = messageIds.at(-1) ?? expect.fail();
      expect(await pin(last, 99)).toBe("too-many");
      const again = most[0] ?? expect.fail();
      expect(await pin(again, 99)).toBe("pinned");
      expect(await pins.unpin({ sessionId, messageId: again })).toBe("unpinned");
      expect(await pins.unpin({ sessionId, messageId: again })).toBe("not-found");
      expect(await pin(last, 100)).toBe("pinned");
      expect(await pins.list(sessionId)).toEqual([...most.slice(1).toReversed(), last]);
      expect(await pins.list(other.sessionId)).toEqual([]);
    });
  });
}

/** What every record of notes promises. There are users "alice" and "bob". */
export function describeNoteRepository(name: string, open: () => Promise<NotesUnderTest>): void {
  describe(`NoteRepository ${name}`, () => {
    test("keeps notes with where they came from, apart by user", async ({ expect }) => {
      await using store = await open();
      const { notes } = store;
      const turn = { sessionId: parseSessionId("s1"), turnId: parseTurnId("t1") };
      const made = [
        noteOf(3),
        { ...noteOf(1), source: { kind: "agent", ...turn } as const },
        { ...noteOf(2), source: { kind: "agent", ...turn, untrusted: "tool web.fetch" } as const },
      ];
      for (const note of made) expect(await notes.add(note)).toBe("added");
      await notes.add({ ...noteOf(0), userId: BOB });
      const [last, first, second] = made;
      expect(await notes.list(ALICE)).toEqual([first, second, last]);
      const id = first?.id ?? expect.fail();
      expect(await notes.remove({ id, userId: BOB })).toBe("not-found");
      expect(await notes.remove({ id, userId: ALICE })).toBe("removed");
      expect(await notes.remove({ id, userId: ALICE })).toBe("not-found");
      expect(await notes.list(ALICE)).toEqual([second, last]);
    });

    test("takes so many of one user, also at once", async ({ expect }) => {
      await using store = await open();
      const { notes } = store;
      for (let at = 0; at < MAX_NOTES - 1; at++) await notes.add(noteOf(at));
      const results = await Promise.all([notes.add(noteOf(1)), notes.add(noteOf(2))]);
      expect(results.toSorted()).toEqual(["added", "too-many"]);
      expect(await notes.list(ALICE)).toHaveLength(MAX_NOTES);
      expect(await notes.add({ ...noteOf(1), userId: BOB })).toBe("added");
    });
  });
}

function compactionOf(sessionId: SessionId, createdAtMs: number): Compaction {
  return {
    id: parseCompactionId(nextId()),
    sessionId,
    upToTurnId: parseTurnId(nextId()),
    summary: "They talked about the weather",
    model: "extract",
    messages: 12,
    tokensBefore: 4_000,
    tokensAfter: 60,
    createdAtMs,
    undone: undefined,
  };
}

function noteOf(createdAtMs: number): Note {
  const id = parseNoteId(nextId());
  return { id, userId: ALICE, text: "Likes tea", source: { kind: "user" }, createdAtMs };
}
