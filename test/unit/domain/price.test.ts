import { describe, test } from "vitest";
import { costOf, FREE, outputTokensFor } from "#domain/spend/price.ts";

describe("costOf()", () => {
  test("counts each kind of token at its own price", ({ expect }) => {
    const price = { input: 3, cachedInput: 0.3, cacheWrite: 3.75, output: 15 };
    const usage = {
      inputTokens: 1_000,
      cachedInputTokens: 600,
      cacheWriteTokens: 100,
      outputTokens: 50,
    };
    // 300 * 3,000 + 600 * 300 + 100 * 3,750 + 50 * 15,000 billionths
    expect(costOf(price, usage)).toBe(2_205_000);
  });

  test("counts what has no price of its own as input", ({ expect }) => {
    const usage = { inputTokens: 10, cachedInputTokens: 4, cacheWriteTokens: 3, outputTokens: 0 };
    expect(costOf({ input: 1, output: 2 }, usage)).toBe(10_000);
  });

  test("is exact, and rounds up to a billionth once", ({ expect }) => {
    const price = { input: 0.1, output: 0.000_001 };
    expect(costOf(price, { inputTokens: 3, outputTokens: 0 })).toBe(300);
    expect(costOf(price, { inputTokens: 0, outputTokens: 1 })).toBe(1);
    expect(costOf(price, { inputTokens: 0, outputTokens: 1_001 })).toBe(2);
    const huge = { inputTokens: 100_000_000, outputTokens: 1 };
    expect(costOf({ input: 59.999_999, output: 0 }, huge)).toBe(5_999_999_900_000);
  });

  test("is nothing for what is free", ({ expect }) => {
    expect(costOf(FREE, { inputTokens: 1_000, outputTokens: 1_000 })).toBe(0);
  });
});

test("outputTokensFor() never gives more than the money pays for", ({ expect }) => {
  const price = { input: 0, output: 15 };
  expect([-5, 0, 14_999, 15_000, 30_001].map((nano) => outputTokensFor(price, nano))).toEqual([
    0, 0, 0, 1, 2,
  ]);
  expect(outputTokensFor(FREE, 0)).toBe(Number.MAX_SAFE_INTEGER);
});
