import { describe, test } from "vitest";
import type { FaultCode } from "#domain/shared/fault.ts";
import { type FailedAttempt, planNext } from "#infrastructure/llm/routing/next-attempt.ts";

const limits = { retries: 2, waitMs: 500, maxWaitMs: 20_000 };

describe("planNext()", () => {
  test.for([
    ["LLM_UNAVAILABLE", "retry", "retry"],
    ["LLM_BAD_ANSWER", "retry", "retry"],
    ["LLM_RATE_LIMITED", "retry", "retry"],
    ["LLM_TIMEOUT", "retry", "fallback"],
    ["LLM_UNAUTHORIZED", "give-up", "fallback"],
    ["CONFIG_INVALID", "give-up", "fallback"],
    ["LLM_REFUSED", "give-up", "give-up"],
    ["STORE_UNAVAILABLE", "give-up", "give-up"],
  ] as const)(
    "has %s followed by %s, with a fallback by %s",
    ([code, alone, chained], { expect }) => {
      expect([plan({ code }), plan({ code, hasFallback: true })]).toEqual([alone, chained]);
    },
  );

  test("goes on to the fallback, or gives up, when all repeats are used up", ({ expect }) => {
    for (const code of ["LLM_UNAVAILABLE", "LLM_RATE_LIMITED", "LLM_TIMEOUT"] as const) {
      expect(plan({ code, retries: 2 })).toBe("give-up");
      expect(plan({ code, retries: 2, hasFallback: true })).toBe("fallback");
    }
  });

  test("takes the next key at once where one key was refused or limited", ({ expect }) => {
    for (const code of ["LLM_UNAUTHORIZED", "LLM_RATE_LIMITED"] as const) {
      expect(plan({ code, hasKey: true, retries: 2, hasFallback: true })).toBe("next-key");
    }
    expect(plan({ code: "LLM_UNAVAILABLE", hasKey: true })).toBe("retry");
  });

  test("waits twice as long at most each time, over all of the range, up to the limit", ({
    expect,
  }) => {
    const waits = (random: number) =>
      [0, 1, 2, 8].map((retries) => {
        const next = planNext(failed({ retries }), { ...limits, retries: 20 }, () => random);
        return next.kind === "retry" ? next.waitMs : next.kind;
      });
    expect(waits(0)).toEqual([0, 0, 0, 0]);
    expect(waits(0.5)).toEqual([250, 500, 1_000, 10_000]);
    expect(waits(0.999_999)).toEqual([500, 1_000, 2_000, 20_000]);
  });

  test("waits as long as the service asks for, unless that is too long", ({ expect }) => {
    const asked = (retryAfterMs: number, more: Partial<Given> = {}) =>
      planNext(failed({ code: "LLM_RATE_LIMITED", retryAfterMs, ...more }), limits, () => 0.1);
    expect(asked(7_000)).toEqual({ kind: "retry", waitMs: 7_000 });
    expect(asked(1)).toEqual({ kind: "retry", waitMs: 50 });
    expect(asked(20_000)).toEqual({ kind: "retry", waitMs: 20_000 });
    expect(asked(20_001)).toEqual({ kind: "give-up" });
    expect(asked(20_001, { hasFallback: true })).toEqual({ kind: "fallback" });
  });

  test("repeats an attempt that was not made only where it is known when it can be", ({
    expect,
  }) => {
    const code = "LLM_RATE_LIMITED";
    expect(plan({ code, wasMade: false })).toBe("give-up");
    expect(plan({ code, wasMade: false, hasFallback: true })).toBe("fallback");
    expect(plan({ code: "LLM_PAUSED", wasMade: false, retryAfterMs: 900 })).toBe("retry");
    const chained = { wasMade: false, retryAfterMs: 900, hasFallback: true };
    expect(plan({ code: "LLM_PAUSED", ...chained })).toBe("fallback");
  });
});

interface Given extends Omit<FailedAttempt, "fault"> {
  readonly code: FaultCode;
  readonly retryAfterMs: number;
}

function failed({ code = "LLM_UNAVAILABLE", retryAfterMs, ...more }: Partial<Given>) {
  const usual = { retries: 0, wasMade: true, hasKey: false, hasFallback: false };
  return { ...usual, ...more, fault: { code, retryAfterMs } };
}

function plan(given: Partial<Given>) {
  return planNext(failed(given), limits, () => 0.5).kind;
}
