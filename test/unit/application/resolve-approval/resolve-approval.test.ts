import { describe, test } from "vitest";
import { createExpireApproval } from "#application/resolve-approval/expire-approval.ts";
import {
  createResolveApproval,
  type DecideApproval,
} from "#application/resolve-approval/resolve-approval.ts";
import type { AuditEvent } from "#domain/audit/audit-log.ts";
import { parseApprovalId, parseTurnId, parseUserId } from "#domain/shared/id.ts";
import { askedOf, hashOf } from "../../../support/approvals.ts";
import { createMemoryApprovals } from "../../../support/fakes/memory-approvals.ts";

const ADA = parseUserId("u1");
const BOB = parseUserId("u2");
const A1 = parseApprovalId("a1");
const ONCE = { kind: "grant", scope: { kind: "once" } } as const;

describe("decideApproval()", () => {
  test("grants once and says so to the audit log, without the arguments", async ({ expect }) => {
    const { decide, events, approvals, woken } = await open();
    expect(await decide()).toMatchObject({
      kind: "decided",
      approval: { revision: 1, state: { kind: "granted", by: ADA, atMs: 5_000 } },
    });
    expect((await approvals.find(A1))?.state).toEqual({
      kind: "granted",
      by: ADA,
      atMs: 5_000,
      scope: { kind: "once", isUsed: false },
    });
    expect(woken).toEqual(["s1"]);
    const { inputHash } = askedOf("a1");
    expect(events).toEqual([
      {
        atMs: 5_000,
        actor: "u1",
        action: "approval.granted",
        subject: "approval:a1",
        decision: "allowed",
        detail: { sessionId: "s1", tool: "mail.send", inputHash, scope: "once" },
      },
    ]);
    expect(JSON.stringify(events)).not.toContain("ada@example.org");
  });

  test("wakes nobody while the turn asks for more", async ({ expect }) => {
    const { decide, woken, approvals } = await open();
    await approvals.add(askedOf("a2"));
    await decide();
    expect(woken).toEqual([]);
    await decide({ approvalId: parseApprovalId("a2"), decision: { kind: "deny", reason: "no" } });
    expect(woken).toEqual(["s1"]);
  });

  test.for<[string, Partial<DecideApproval>, object]>([
    ["one byte of the arguments changed", { inputHash: flipped() }, { kind: "mismatch" }],
    ["another user", { userId: BOB }, { kind: "not-found" }],
    ["there is none", { approvalId: parseApprovalId("a9") }, { kind: "not-found" }],
    [
      "the pattern is of another call",
      { decision: { kind: "grant", scope: patternOf({ to: "eve@example.org" }) } },
      { kind: "bad-pattern" },
    ],
  ])("refuses where %s, and nothing is stored", async ([, said, result], { expect }) => {
    const { decide, approvals, events } = await open();
    expect(await decide(said)).toEqual(result);
    expect((await approvals.find(A1))?.state.kind).toBe("pending");
    expect(events).toEqual([]);
  });

  test("refuses to decide again, either way", async ({ expect }) => {
    const { decide, events } = await open();
    await decide({ decision: { kind: "deny", reason: "no" } });
    expect(await decide()).toEqual({ kind: "closed", state: "denied" });
    expect(await decide({ decision: { kind: "deny" } })).toEqual({
      kind: "closed",
      state: "denied",
    });
    expect(events.map(({ action }) => action)).toEqual(["approval.denied"]);
  });

  test("of many who decide at once one is heard", async ({ expect }) => {
    const { decide, events } = await open();
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        decide(index % 2 === 0 ? {} : { decision: { kind: "deny" } }),
      ),
    );
    expect(results.filter(({ kind }) => kind === "decided")).toHaveLength(1);
    expect(results.filter(({ kind }) => kind === "closed")).toHaveLength(19);
    expect(events).toHaveLength(1);
  });

  test("what comes at its expiry is too late: it has expired and the turn goes on", async ({
    expect,
  }) => {
    const { decide, woken, events } = await open({ expiresAtMs: 5_000 });
    expect(await decide()).toEqual({ kind: "closed", state: "expired" });
    expect(woken).toEqual(["s1"]);
    expect(events).toMatchObject([{ actor: "system", action: "approval.expired" }]);
  });

  test("a pattern is good for so many calls and so long", async ({ expect }) => {
    const { decide, approvals } = await open();
    await decide({ decision: { kind: "grant", scope: patternOf({ to: "ada@example.org" }) } });
    expect((await approvals.find(A1))?.state).toMatchObject({
      scope: {
        kind: "pattern",
        fixed: { to: "ada@example.org" },
        usesLeft: 3,
        expiresAtMs: 5_000 + 10 * 60_000,
      },
    });
  });
});

describe("revokeApproval()", () => {
  test("takes a grant back, once", async ({ expect }) => {
    const { decide, revoke, events } = await open();
    expect(await revoke()).toEqual({ kind: "pending" });
    await decide();
    expect(await revoke({ userId: BOB })).toEqual({ kind: "not-found" });
    expect(await revoke()).toMatchObject({
      kind: "decided",
      approval: { state: { kind: "revoked", by: ADA, grant: { scope: { kind: "once" } } } },
    });
    expect(await revoke()).toEqual({ kind: "closed", state: "revoked" });
    expect(await decide()).toEqual({ kind: "closed", state: "revoked" });
    expect(events.map(({ action }) => action)).toEqual(["approval.granted", "approval.revoked"]);
  });
});

describe("createExpireApproval()", () => {
  const job = { id: "j", data: { approvalId: "a1" }, attempt: 1, isLast: false };
  const signal = AbortSignal.timeout(5_000);

  test("closes what nobody has decided, also where this clock is behind", async ({ expect }) => {
    const { expire, approvals, woken, events } = await open({ expiresAtMs: 6_000 });
    await expire(job, signal);
    await expire(job, signal);
    expect((await approvals.find(A1))?.state).toEqual({ kind: "expired", atMs: 6_000 });
    expect(woken).toEqual(["s1"]);
    expect(events.map(({ action, actor }) => [action, actor])).toEqual([
      ["approval.expired", "system"],
    ]);
  });

  test("leaves alone what was decided, and what is gone", async ({ expect }) => {
    const { expire, decide, approvals, events } = await open();
    await decide();
    await expire(job, signal);
    await expire({ ...job, data: { approvalId: "gone" } }, signal);
    expect((await approvals.find(A1))?.state.kind).toBe("granted");
    expect(events).toHaveLength(1);
  });
});

function patternOf(fixed: Record<string, string>) {
  return { kind: "pattern", fixed, uses: 3, minutes: 10 } as const;
}

/** The hash of the same arguments but for one byte. */
function flipped(): string {
  return hashOf({ to: "ada@example.org", text: "ho" });
}

async function open({ expiresAtMs = 9_000 }: { readonly expiresAtMs?: number } = {}) {
  const events: AuditEvent[] = [];
  const approvals = createMemoryApprovals({ events, waiting: new Set([parseTurnId("t1")]) });
  const approval = askedOf("a1", { expiresAtMs });
  await approvals.add(approval);
  const woken: string[] = [];
  const deps = {
    approvals,
    wake: (sessionId: string) => void woken.push(sessionId),
    nowMs: () => 5_000,
  };
  const resolving = createResolveApproval(deps);
  const own = { userId: ADA, approvalId: A1 };
  return {
    approvals,
    events,
    woken,
    expire: createExpireApproval(deps),
    decide: (said: Partial<DecideApproval> = {}) =>
      resolving.decideApproval({ ...own, inputHash: approval.inputHash, decision: ONCE, ...said }),
    revoke: (said: Partial<DecideApproval> = {}) => resolving.revokeApproval({ ...own, ...said }),
  };
}
