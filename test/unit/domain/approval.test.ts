import { describe, test } from "vitest";
import {
  type ApprovalScope,
  denyApproval,
  expireApproval,
  grantApproval,
  useApproval,
} from "#domain/approval/approval.ts";
import { parseSessionId, parseToolCallId, parseTurnId, parseUserId } from "#domain/shared/id.ts";
import { approvalOf } from "../../support/approvals.ts";

const bob = parseUserId("bob");
const pending = approvalOf("a", { input: { to: "x@example.org", text: "hi" } });
const grant = (scope: ApprovalScope) => grantApproval(pending, bob, { scope, nowMs: 5 });
const once = grant({ kind: "once", isUsed: false });
const session = grant({ kind: "session" });
const pattern = grant({
  kind: "pattern",
  fixed: { to: "x@example.org" },
  usesLeft: 2,
  expiresAtMs: 90,
});
const otherInput = { ...pending, input: { to: "x@example.org", text: "bye" }, inputHash: "i" };

test("an approval is decided once, and in time", ({ expect }) => {
  expect(() => denyApproval(session, bob, { nowMs: 6 })).toThrow(/is "granted", expected pending/u);
  expect(() => grantApproval(pending, bob, { scope: { kind: "session" }, nowMs: 50 })).toThrow(
    /its time is up/u,
  );
  expect(() => denyApproval(pending, bob, { nowMs: 50 })).toThrow(/its time is up/u);
  expect(() => expireApproval(pending, 49)).toThrow(/its time is not up/u);
  expect(expireApproval(pending, 50).state).toEqual({ kind: "expired", atMs: 50 });
});

describe("useApproval()", () => {
  test("allows a call once", ({ expect }) => {
    const used = useApproval(once, pending, 6);
    expect(used?.state).toMatchObject({ kind: "granted", scope: { isUsed: true } });
    expect(used && useApproval(used, pending, 7)).toBeUndefined();
    expect(useApproval(once, otherInput, 6)).toBeUndefined();
  });

  test("allows once the call that was asked for, and none like it", ({ expect }) => {
    const others = [{ turnId: parseTurnId("t2") }, { toolCallId: parseToolCallId("c2") }];
    for (const other of others) {
      const call = { ...pending, ...other };
      expect(useApproval(once, call, 6)).toBeUndefined();
      expect(useApproval(session, call, 6)).toBe(session);
      expect(useApproval(pattern, call, 6)).toBeDefined();
    }
  });

  test("allows the same arguments for the session", ({ expect }) => {
    expect(useApproval(session, pending, 1_000_000)).toBe(session);
    expect(useApproval(session, otherInput, 6)).toBeUndefined();
  });

  test("allows what a pattern matches, so often and until its end", ({ expect }) => {
    const second = useApproval(pattern, otherInput, 6);
    const third = second && useApproval(second, pending, 7);
    expect(third?.state).toMatchObject({ scope: { usesLeft: 0 } });
    expect(third && useApproval(third, pending, 8)).toBeUndefined();
    expect(useApproval(pattern, pending, 90)).toBeUndefined();
    for (const input of [{ to: "eve@example.org" }, {}, null, "x@example.org", ["x@example.org"]]) {
      expect(useApproval(pattern, { ...otherInput, input }, 6)).toBeUndefined();
    }
  });

  test("covers no other session, skill, version or tool", ({ expect }) => {
    const others = [
      { sessionId: parseSessionId("t") },
      { skill: "post" },
      { skillDigest: "e" },
      { tool: "read" },
    ];
    for (const other of others) {
      for (const approval of [once, session, pattern]) {
        expect(useApproval(approval, { ...pending, ...other }, 6)).toBeUndefined();
      }
    }
  });

  test("allows nothing that was not granted", ({ expect }) => {
    const others = [pending, denyApproval(pending, bob, { nowMs: 5 }), expireApproval(pending, 50)];
    for (const approval of others) expect(useApproval(approval, pending, 6)).toBeUndefined();
  });
});

test("grantApproval() refuses a pattern that is for other calls", ({ expect }) => {
  const scope = { kind: "pattern", fixed: { to: "y" }, usesLeft: 1, expiresAtMs: 90 } as const;
  expect(() => grant(scope)).toThrow(/the pattern does not match the call/u);
});
