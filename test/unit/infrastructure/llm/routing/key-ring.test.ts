import { describe, test } from "vitest";
import { KeyRing } from "#infrastructure/llm/routing/key-ring.ts";

const M = "openai/one";

describe("KeyRing", () => {
  test("gives the first key that is not parked", ({ expect }) => {
    const ring = new KeyRing(["one", "two"]);
    expect(ring.pick(M, 0)).toEqual({ kind: "key", index: 0, key: "one" });
    ring.limit(0, M, 100);
    expect(ring.pick(M, 99)).toMatchObject({ key: "two" });
    expect(ring.pick(M, 100)).toMatchObject({ key: "one" });
    expect([ring.countFree(M, 99), ring.countFree(M, 100)]).toEqual([1, 2]);
  });

  test("tells how long all keys are parked that are to pause", ({ expect }) => {
    const ring = new KeyRing(["one", "two"]);
    ring.limit(0, M, 100);
    ring.limit(1, M, 70);
    expect(ring.pick(M, 20)).toEqual({ kind: "parked", forMs: 50 });
    ring.accept(1, M);
    expect(ring.pick(M, 20)).toMatchObject({ key: "two" });
  });

  test("one model's limit holds no other model back, a refusal holds all", ({ expect }) => {
    const ring = new KeyRing(["one", "two"]);
    ring.limit(0, M, 100);
    ring.limit(1, M, 70);
    expect(ring.pick(M, 0)).toMatchObject({ kind: "parked" });
    expect(ring.pick("openai/two", 0)).toMatchObject({ key: "one" });
    ring.refuse(0, 200);
    expect(ring.pick("openai/two", 0)).toMatchObject({ key: "two" });
    expect(ring.pick(M, 20)).toEqual({ kind: "parked", forMs: 50 });
    for (let at = 0; at < 1_000; at++) ring.limit(0, `openai/m${at}`, 100);
    expect(ring.pick(M, 0)).toMatchObject({ key: "two" });
  });

  test("tries a refused key rather than none, and gives none where there is none", ({ expect }) => {
    const ring = new KeyRing(["one"]);
    ring.refuse(0, 100);
    expect(ring.pick(M, 0)).toMatchObject({ key: "one" });
    expect(new KeyRing([]).pick(M, 0)).toEqual({ kind: "key", index: 0, key: undefined });
  });
});
