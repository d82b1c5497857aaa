import { test } from "vitest";
import { parseSessionId, parseTurnId, parseUserId } from "#domain/shared/id.ts";
import { NO_SPEND } from "#domain/spend/budget.ts";
import { readSpend } from "#infrastructure/store/scripts/spend-scripts.ts";

test("readSpend() is one statement: nothing is saved between its scopes", ({ expect }) => {
  const script = readSpend({
    turnId: parseTurnId("t1"),
    sessionId: parseSessionId("s1"),
    userId: parseUserId("ada"),
    day: "1970-01-01",
  });
  expect(script.next()).toMatchObject({ done: false });
  const row = { scope: "user", steps: 1, tokens: 2, cost_nano_usd: 3, wall_ms: 4 };
  const user = { steps: 1, tokens: 2, costNanoUsd: 3, wallMs: 4 };
  const value = { turn: NO_SPEND, session: NO_SPEND, user, day: NO_SPEND };
  expect(script.next([row])).toEqual({ done: true, value });
});
