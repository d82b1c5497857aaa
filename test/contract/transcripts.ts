import { describe, test } from "vitest";
import { parseSessionId, parseTurnId, parseUserId } from "#domain/shared/id.ts";
import type { TranscriptRepository } from "#domain/transcript/transcript-repository.ts";

export interface TranscriptsUnderTest extends AsyncDisposable {
  readonly transcripts: TranscriptRepository;
  /** Of sessions that are Alice's and those of Bob, "s1", "s2" and "s3" are there. */
  deleteSession(id: string): Promise<void>;
}

const key = { userId: parseUserId("alice"), hash: "a".repeat(64) };
const placeOf = (session: string, turn = "t1") => ({
  sessionId: parseSessionId(session),
  turnId: parseTurnId(turn),
});

/** What every repository of transcripts promises. */
export function describeTranscriptRepository(
  name: string,
  open: () => Promise<TranscriptsUnderTest>,
): void {
  describe(`TranscriptRepository ${name}`, () => {
    test("finds what it remembers, the latest place of each", async ({ expect }) => {
      await using store = await open();
      const { transcripts } = store;
      expect(await transcripts.find(key)).toBeUndefined();
      await transcripts.remember(key, placeOf("s1"));
      expect(await transcripts.find(key)).toEqual(placeOf("s1"));
      await transcripts.remember(key, placeOf("s2", "t2"));
      expect(await transcripts.find(key)).toEqual(placeOf("s2", "t2"));
    });

    test("keeps those of each user apart", async ({ expect }) => {
      await using store = await open();
      const { transcripts } = store;
      await transcripts.remember(key, placeOf("s1"));
      expect(await transcripts.find({ ...key, userId: parseUserId("bob") })).toBeUndefined();
      expect(await transcripts.find({ ...key, hash: "b".repeat(64) })).toBeUndefined();
    });

    test("forgets what led to a session that is gone", async ({ expect }) => {
      await using store = await open();
      const { transcripts } = store;
      await transcripts.remember(key, placeOf("s1"));
      await store.deleteSession("s1");
      expect(await transcripts.find(key)).toBeUndefined();
      await transcripts.remember(key, placeOf("s1"));
      expect(await transcripts.find(key)).toBeUndefined();
    });
  });
}
