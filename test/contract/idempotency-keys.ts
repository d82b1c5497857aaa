import { describe, test } from "vitest";
import type { IdempotencyKeys } from "#application/ports/idempotency-keys.ts";
import { parseUserId } from "#domain/shared/id.ts";

export interface KeysUnderTest extends AsyncDisposable {
  readonly keys: IdempotencyKeys;
  /** Moves the clock. */
  pass(ms: number): void;
}

const request = { userId: parseUserId("ada"), keyHash: "k1", fingerprint: "f1" };
const answer = { status: 201, body: '{"id":"x"}' };
const DAY_MS = 86_400_000;

/** What every keeper of idempotency keys promises. */
export function describeIdempotencyKeys(name: string, open: () => Promise<KeysUnderTest>): void {
  describe(`IdempotencyKeys ${name}`, () => {
    test("begin() lets one request through and keeps its answer", async ({ expect }) => {
      await using opened = await open();
      const { keys } = opened;
      expect(await keys.begin(request)).toMatchObject({ kind: "begun" });
      expect(await keys.begin(request)).toEqual({ kind: "in-progress" });
      await keys.finish(request, answer);
      expect(await keys.begin(request)).toEqual({ kind: "finished", answer });
      opened.pass(DAY_MS);
      expect(await keys.begin(request)).toEqual({ kind: "finished", answer });
    });

    test("begin() of many at once lets one through", async ({ expect }) => {
      await using opened = await open();
      const begun = await Promise.all(Array.from({ length: 20 }, () => opened.keys.begin(request)));
      expect(begun.filter(({ kind }) => kind === "begun")).toHaveLength(1);
      expect(begun.filter(({ kind }) => kind === "in-progress")).toHaveLength(19);
    });

    test("another request under the key is told so, another user's is not", async ({ expect }) => {
      await using opened = await open();
      const { keys } = opened;
      await keys.begin(request);
      expect(await keys.begin({ ...request, fingerprint: "f2" })).toEqual({
        kind: "other-request",
      });
      await keys.finish(request, answer);
      expect(await keys.begin({ ...request, fingerprint: "f2" })).toEqual({
        kind: "other-request",
      });
      const stranger = { ...request, userId: parseUserId("bob"), fingerprint: "f2" };
      expect(await keys.begin(stranger)).toMatchObject({ kind: "begun" });
    });

    test("release() gives the key back, but not one that was answered", async ({ expect }) => {
      await using opened = await open();
      const { keys } = opened;
      await keys.begin(request);
      await keys.release(request);
      expect(await keys.begin({ ...request, fingerprint: "f2" })).toMatchObject({ kind: "begun" });
      await keys.finish({ ...request, fingerprint: "f2" }, answer);
      await keys.release(request);
      expect(await keys.begin({ ...request, fingerprint: "f2" })).toMatchObject({
        kind: "finished",
      });
    });

    test("the work of a request that died is taken up after a minute", async ({ expect }) => {
      await using opened = await open();
      const { keys } = opened;
      const first = await keys.begin(request);
      opened.pass(59_000);
      expect(await keys.begin(request)).toEqual({ kind: "in-progress" });
      opened.pass(2_000);
      expect(await keys.begin(request)).toEqual(first);
      expect(await keys.begin(request)).toEqual({ kind: "in-progress" });
    });
  });
}
