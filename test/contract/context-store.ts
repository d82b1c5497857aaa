import { describe, test } from "vitest";
import type { ContextStore } from "#application/ports/context-store.ts";
import type {
  Compaction,
  CompactionRepository,
  PinRepository,
} from "#domain/compaction/compaction.ts";
import type { NoteRepository } from "#domain/memory/note.ts";
import { parseCompactionId, parseNoteId, type SessionId, type TurnId } from "#domain/shared/id.ts";
import type { AcceptResult } from "#domain/turn/turn-log.ts";
import { type AcceptedTurn, ALICE, BOB, nextId } from "../support/agent-store.ts";

type StoredTurn = Extract<AcceptResult, { readonly kind: "accepted" }>;

export interface ContextUnderTest extends AsyncDisposable {
  readonly context: ContextStore;
  readonly compactions: CompactionRepository;
  readonly pins: PinRepository;
  readonly notes: NoteRepository;
  /** A turn of Alice's with an answer, in a session of its own unless told. */
  addTurn(sessionId?: SessionId, parentTurnId?: TurnId): Promise<StoredTurn>;
}

const NOTE = { text: "Of one of them", source: { kind: "user" }, createdAtMs: 1 } as const;

/** What every store of contexts promises. */
export function describeContextStore(name: string, open: () => Promise<ContextUnderTest>): void {
  describe(`ContextStore ${name}`, () => {
    test("gives notes of the user, pinned messages and summaries of the session", async ({
      expect,
    }) => {
      await using store = await open();
      const { context, compactions, pins, notes } = store;
      const first = await store.addTurn();
      const { sessionId } = first;
      const second = await store.addTurn(sessionId);
      const elsewhere = await store.addTurn();
      const version = { session: 0, user: 0 };
      const nothing = { version, notes: [], compactions: [], pinned: [], isBranched: false };
      expect(await context.read({ sessionId, userId: ALICE })).toEqual(nothing);

      for (const userId of [ALICE, BOB]) {
        const id = parseNoteId(nextId());
        await notes.add({ id, userId, text: userId, source: { kind: "user" }, createdAtMs: 1 });
      }
      for (const { sessionId: session, messageId } of [second, first, elsewhere]) {
        await pins.pin({ sessionId: session, messageId, nowMs: 1 });
      }
      const older = compactionOf(first, 1);
      await context.addCompaction(older);
      await context.addCompaction(compactionOf(second, 2));
      await context.addCompaction(compactionOf(elsewhere, 3));
      await compactions.undo({ compactionId: older.id, by: ALICE, nowMs: 4 });
      const read = await context.read({ sessionId, userId: ALICE });
      expect(read.notes.map(({ text }) => text)).toEqual([ALICE]);
      expect(read.pinned.map(({ id }) => id)).toEqual([first.messageId, second.messageId]);
      expect(read.pinned[0]).toMatchObject({ role: "user", parts: [{ kind: "text" }] });
      expect(read.compactions.map(({ undone }) => undone?.by)).toEqual([undefined, ALICE]);
      expect(read.isBranched).toBe(false);
    });

    test("counts every change, and tells a run from the start how many there were", async ({
      expect,
    }) => {
      await using store = await open();
      const first = await store.addTurn();
      const { sessionId, messageId } = first;
      await addElsewhere(store);
      const id = parseNoteId(nextId());
      const compaction = compactionOf(first, 2);
      const { id: compactionId } = compaction;
      const changes = [
        () => store.notes.add({ ...NOTE, id, userId: ALICE }),
        () => store.notes.remove({ id, userId: ALICE }),
        () => store.pins.pin({ sessionId, messageId, nowMs: 1 }),
        () => store.pins.unpin({ sessionId, messageId }),
        () => store.context.addCompaction(compaction),
        () => store.compactions.undo({ compactionId, by: ALICE, nowMs: 3 }),
      ];
      const versions = [first.contextVersion];
      for (const change of changes) {
        await change();
        // A second time it changes nothing.
        await change();
        const { contextVersion } = await store.addTurn(sessionId);
        expect((await store.context.read({ sessionId, userId: ALICE })).version).toEqual(
          contextVersion,
        );
        versions.push(contextVersion);
      }
      const counted = [0, 0, 0, 1, 2, 3, 4].map((session, at) => ({
        session,
        user: at > 2 ? 2 : at,
      }));
      expect(versions).toEqual(counted);
      expect(await store.addTurn()).toMatchObject({ contextVersion: { session: 0, user: 2 } });
    });

    test.for(["a note of the user", "a pinned message", "a summary"] as const)(
      "tells a run from the start whether there is %s",
      async (what, { expect }) => {
        await using store = await open();
        const first = await store.addTurn();
        const { sessionId, messageId } = first;
        await addElsewhere(store);
        expect([first, await store.addTurn(sessionId)]).toMatchObject([
          { hasOnlyMessages: true },
          { hasOnlyMessages: true },
        ]);

        const id = parseNoteId(nextId());
        if (what === "a note of the user") await store.notes.add({ ...NOTE, id, userId: ALICE });
        if (what === "a pinned message") await store.pins.pin({ sessionId, messageId, nowMs: 1 });
        if (what === "a summary") await store.context.addCompaction(compactionOf(first, 2));
        expect(await store.addTurn(sessionId)).not.toHaveProperty("hasOnlyMessages");
        const isOfUser = what === "a note of the user";
        expect("hasOnlyMessages" in (await store.addTurn())).toBe(!isOfUser);
      },
    );

    test("gives the summary that holds, however many were undone since", async ({ expect }) => {
      await using store = await open();
      const { context, compactions } = store;
      const first = await store.addTurn();
      const { sessionId } = first;
      const made = [1, 2, 3, 4, 5, 6, 7, 8].map((at) => compactionOf(first, at));
      for (const compaction of made) await context.addCompaction(compaction);
      const read = async () => (await context.read({ sessionId, userId: ALICE })).compactions;
      expect((await read())[0]?.id).toBe(made[7]?.id);
      for (const { id } of made.slice(2)) {
        await compactions.undo({ compactionId: id, by: ALICE, nowMs: 9 });
      }
      expect((await read()).find(({ undone }) => undone === undefined)?.id).toBe(made[1]?.id);
    });

    test("knows a session that has branched", async ({ expect }) => {
      await using store = await open();
      const first = await store.addTurn();
      const { sessionId, turnId } = first;
      await store.addTurn(sessionId);
      await store.addTurn(sessionId, turnId);
      await store.pins.pin({ sessionId, messageId: first.messageId, nowMs: 1 });
      expect(await store.context.read({ sessionId, userId: ALICE })).toMatchObject({
        isBranched: true,
        version: { session: 2 },
      });
    });

    test("reads the messages up to a turn", async ({ expect }) => {
      await using store = await open();
      const first = await store.addTurn();
      await store.addTurn(first.sessionId);
      const messages = await store.context.readMessages(first.sessionId, first.turnId, 10);
      expect(messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
    });
  });
}

/** A note of another user; a pin and a summary of another session. */
async function addElsewhere(store: ContextUnderTest): Promise<void> {
  await store.notes.add({ ...NOTE, id: parseNoteId(nextId()), userId: BOB });
  const elsewhere = await store.addTurn();
  await store.pins.pin({ ...elsewhere, nowMs: 1 });
  await store.context.addCompaction(compactionOf(elsewhere, 1));
}

function compactionOf({ sessionId, turnId }: AcceptedTurn, at: number): Compaction {
  return {
    id: parseCompactionId(nextId()),
    sessionId,
    upToTurnId: turnId,
    summary: "What was said",
    model: "test/model",
    messages: 2,
    tokensBefore: 9,
    tokensAfter: 3,
    createdAtMs: at,
    undone: undefined,
  };
}
