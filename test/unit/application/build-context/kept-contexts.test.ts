import { describe, test } from "vitest";
import { KeptContexts } from "#application/build-context/kept-contexts.ts";
import type { StoredContext } from "#application/ports/context-store.ts";
import type { ContextVersion } from "#domain/session/context-version.ts";
import { parseNoteId, parseSessionId, parseUserId, type SessionId } from "#domain/shared/id.ts";

const ALICE = parseUserId("alice");
const [ONE, TWO] = [parseSessionId("one"), parseSessionId("two")];

function openHarness(options: { readonly chars?: number; readonly most?: number } = {}) {
  const reads: SessionId[] = [];
  const now: { version: ContextVersion; ms: number } = { version: { session: 1, user: 1 }, ms: 0 };
  const contexts = new KeptContexts({
    read: async ({ sessionId }) => {
      reads.push(sessionId);
      return stored(now.version, options.chars ?? 10);
    },
    nowMs: () => now.ms,
    ...(options.most !== undefined && { keptCharsMost: options.most }),
  });
  const read = (version: ContextVersion | undefined, sessionId = ONE) =>
    contexts.read({ sessionId, userId: ALICE }, version);
  return { reads, now, read };
}

function stored(version: ContextVersion, chars: number): StoredContext {
  const source = { kind: "user" } as const;
  const note = { id: parseNoteId("n1"), userId: ALICE, source, createdAtMs: 1 };
  const notes = [{ ...note, text: "n".repeat(chars) }];
  return { version, notes, compactions: [], pinned: [], isBranched: false };
}

describe("KeptContexts", () => {
  test("reads once for as long as nothing changes", async ({ expect }) => {
    const { read, reads } = openHarness();
    const first = await read({ session: 1, user: 1 });
    expect(await read({ session: 1, user: 1 })).toBe(first);
    expect(reads).toEqual([ONE]);
  });

  test.for([
    ["the session", { session: 2, user: 1 }],
    ["the user's notes", { session: 1, user: 2 }],
  ] as const)("reads again after a change of %s", async ([, version], { expect }) => {
    const { read, reads, now } = openHarness();
    await read(now.version);
    now.version = version;
    expect((await read(version)).version).toEqual(version);
    expect(reads).toEqual([ONE, ONE]);
  });

  test("gives what is newer than what was asked for", async ({ expect }) => {
    const { read, reads, now } = openHarness();
    now.version = { session: 3, user: 1 };
    await read({ session: 2, user: 1 });
    expect((await read({ session: 2, user: 1 })).version).toEqual(now.version);
    expect(reads).toEqual([ONE]);
  });

  test("reads where nobody knows how much has changed", async ({ expect }) => {
    const { read, reads } = openHarness();
    await read(undefined);
    await read(undefined);
    expect(reads).toEqual([ONE, ONE]);
  });

  test.for([61_000, -61_000])(
    "reads again after a minute, or so it seems: %i ms",
    async (ms, { expect }) => {
      const { read, reads, now } = openHarness();
      await read(now.version);
      now.ms = ms / 2;
      await read(now.version);
      now.ms = ms;
      await read(now.version);
      expect(reads).toEqual([ONE, ONE]);
    },
  );

  test("lets go of what was not used for longest where it gets too much", async ({ expect }) => {
    const { read, reads, now } = openHarness({ chars: 1_000, most: 4_500 });
    await read(now.version, ONE);
    await read(now.version, TWO);
    await read(now.version, ONE);
    await read(now.version, parseSessionId("three"));
    await read(now.version, ONE);
    await read(now.version, TWO);
    expect(reads).toEqual([ONE, TWO, "three", TWO]);
  });

  test("keeps nothing of what could not be read", async ({ expect }) => {
    let isAway = true;
    const read = async () => {
      if (isAway) throw new Error("away");
      return stored({ session: 1, user: 0 }, 10);
    };
    const contexts = new KeptContexts({ read, nowMs: () => 0 });
    const turn = { sessionId: ONE, userId: ALICE };
    const version = { session: 1, user: 0 };
    await expect(contexts.read(turn, version)).rejects.toThrow("away");
    isAway = false;
    expect((await contexts.read(turn, version)).notes).toHaveLength(1);
  });
});
