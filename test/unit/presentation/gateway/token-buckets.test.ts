import { describe, test } from "vitest";
import { TokenBuckets } from "#presentation/gateway/token-buckets.ts";

describe("TokenBuckets", () => {
  test("take() gives a minute's worth at once, then as time brings it", ({ expect }) => {
    const buckets = new TokenBuckets({ perMinute: 6 });
    const taken = Array.from({ length: 7 }, () => buckets.take("a", 0));
    expect(taken).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      10_000,
    ]);
    expect(buckets.take("b", 0)).toBeUndefined();
    expect(buckets.take("a", 9_999)).toBe(1);
    expect(buckets.take("a", 10_000)).toBeUndefined();
    expect(buckets.take("a", 10_000)).toBe(10_000);
    const later = Array.from({ length: 7 }, () => buckets.take("a", 10_000_000));
    expect(later.filter((each) => each === undefined)).toHaveLength(6);
  });

  test("charge() goes below nothing, and what is owed comes in first", ({ expect }) => {
    const buckets = new TokenBuckets({ perMinute: 6 });
    for (let i = 0; i < 8; i += 1) buckets.charge("a", 0);
    expect(buckets.missing("a", 0)).toBe(30_000);
    expect(buckets.missing("a", 30_000)).toBeUndefined();
  });

  test("charge() owes a minute's worth at most", ({ expect }) => {
    const buckets = new TokenBuckets({ perMinute: 6 });
    for (let i = 0; i < 1_000; i += 1) buckets.charge("a", 0);
    expect(buckets.left("a", 0)).toBe(-6);
    expect(buckets.missing("a", 70_000)).toBeUndefined();
  });

  test("holds no more keys than it may, and forgets the quietest", ({ expect }) => {
    const buckets = new TokenBuckets({ perMinute: 1, maxKeys: 3 });
    for (const key of ["a", "b", "c"]) buckets.take(key, 0);
    buckets.charge("a", 1);
    buckets.take("d", 2);
    expect(buckets.size).toBe(3);
    expect(buckets.missing("a", 2)).toBeGreaterThan(0);
    expect(buckets.missing("b", 2)).toBeUndefined();
    for (let i = 0; i < 10_000; i += 1) buckets.take(`x${i}`, 3);
    expect(buckets.size).toBe(3);
  });
});
