import { describe, test } from "vitest";
import { Breaker } from "#infrastructure/llm/routing/breaker.ts";

const limits = { failures: 3, withinMs: 1_000, pauseMs: 500 };

describe("Breaker", () => {
  test("opens after so many failures within so long, and not before", ({ expect }) => {
    const breaker = new Breaker();
    for (const atMs of [0, 100]) breaker.failed(atMs, limits);
    expect(breaker.enter(200, limits)).toBe(0);
    breaker.failed(200, limits);
    expect(breaker.enter(200, limits)).toBe(500);
    expect(breaker.enter(600, limits)).toBe(100);
  });

  test("tells how it stands", ({ expect }) => {
    const breaker = new Breaker();
    expect(breaker.stateAt(0)).toBe("closed");
    for (const atMs of [0, 1]) breaker.failed(atMs, limits);
    expect(breaker.stateAt(1)).toBe("closed");
    breaker.failed(2, limits);
    expect([breaker.stateAt(2), breaker.stateAt(501)]).toEqual(["open", "open"]);
    expect(breaker.stateAt(502)).toBe("half-open");
    breaker.enter(502, limits);
    expect(breaker.stateAt(503)).toBe("half-open");
    breaker.failed(504, limits);
    expect(breaker.stateAt(505)).toBe("open");
    breaker.succeeded();
    expect(breaker.stateAt(506)).toBe("closed");
  });

  test("forgets failures that are long ago, and all of them with a success", ({ expect }) => {
    const slow = new Breaker();
    for (const atMs of [0, 500, 1_000, 1_500, 2_000]) slow.failed(atMs, limits);
    expect(slow.enter(2_000, limits)).toBe(0);
    const mended = new Breaker();
    for (const atMs of [0, 1]) mended.failed(atMs, limits);
    mended.succeeded();
    mended.failed(2, limits);
    expect(mended.enter(3, limits)).toBe(0);
  });

  test("lets one probe through after the pause; its success closes, its failure pauses anew", ({
    expect,
  }) => {
    const breaker = openBreaker();
    expect(breaker.enter(502, limits)).toBe(0);
    expect(breaker.enter(502, limits)).toBe(500);
    breaker.failed(600, limits);
    expect(breaker.enter(601, limits)).toBe(499);
    expect(breaker.enter(1_100, limits)).toBe(0);
    breaker.succeeded();
    expect([breaker.enter(1_101, limits), breaker.enter(1_101, limits)]).toEqual([0, 0]);
  });

  test("lets another probe through where one was given up or is not heard of", ({ expect }) => {
    const breaker = openBreaker();
    breaker.enter(502, limits);
    breaker.left(510);
    expect(breaker.enter(510, limits)).toBe(0);
    expect(breaker.enter(1_010, limits)).toBe(0);
  });
});

/** Open from 2 to 502. */
function openBreaker(): Breaker {
  const breaker = new Breaker();
  for (const atMs of [0, 1, 2]) breaker.failed(atMs, limits);
  return breaker;
}
