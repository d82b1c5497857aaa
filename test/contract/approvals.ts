import { describe, test } from "vitest";
import {
  type Approval,
  denyApproval,
  expireApproval,
  grantApproval,
  revokeApproval,
  useApproval,
} from "#domain/approval/approval.ts";
import type { ApprovalRepository } from "#domain/approval/approval-repository.ts";
import { parseApprovalId, parseSessionId, parseTurnId, parseUserId } from "#domain/shared/id.ts";
import { approvalOf } from "../support/approvals.ts";

export interface ApprovalsUnderTest extends AsyncDisposable {
  readonly approvals: ApprovalRepository;
}

const alice = parseUserId("alice");
const bob = parseUserId("bob");
const sessionId = parseSessionId("s1");

/** What every repository of approvals promises. */
export function describeApprovalRepository(
  name: string,
  open: () => Promise<ApprovalsUnderTest>,
): void {
  describe(`ApprovalRepository ${name}`, () => {
    test("gives an approval back in each of its states", async ({ expect }) => {
      await using store = await open();
      const pattern = {
        kind: "pattern",
        fixed: { city: "Rome" },
        usesLeft: 3,
        expiresAtMs: 90,
      } as const;
      const made = [
        approvalOf("a0"),
        grantApproval(approvalOf("a1"), bob, { scope: { kind: "session" }, nowMs: 5 }),
        grantApproval(approvalOf("a2"), bob, { scope: { kind: "once", isUsed: false }, nowMs: 5 }),
        grantApproval(approvalOf("a3"), bob, { scope: pattern, nowMs: 5 }),
        denyApproval(approvalOf("a4"), bob, { nowMs: 5 }),
        denyApproval(approvalOf("a5"), bob, { nowMs: 5, reason: "Not this one" }),
        expireApproval(approvalOf("a6"), 100),
        revokeApproval(grantApproval(approvalOf("a7"), bob, { scope: pattern, nowMs: 5 }), alice, {
          nowMs: 7,
        }),
      ];
      for (const approval of made) {
        await store.approvals.add(approvalOf(approval.id));
        expect(await store.approvals.save(approval)).toBe("saved");
        expect(await store.approvals.find(approval.id)).toEqual({ ...approval, revision: 1 });
      }
      expect(await store.approvals.find(parseApprovalId("none"))).toBeUndefined();
    });

    test("listPending() lists what waits, oldest first, by pages", async ({ expect }) => {
      await using store = await open();
      const { approvals } = store;
      for (const id of ["a1", "a2", "a3", "a4"]) await approvals.add(approvalOf(id));
      await approvals.add({ ...approvalOf("b1"), userId: bob });
      await approvals.save(denyApproval(approvalOf("a2"), bob, { nowMs: 5 }));
      const ids = async (input: Parameters<ApprovalRepository["listPending"]>[0]) =>
        (await approvals.listPending(input)).map(({ id }) => id);
      expect(await ids({ limit: 10 })).toEqual(["a1", "a3", "a4", "b1"]);
      expect(await ids({ userId: alice, limit: 2 })).toEqual(["a1", "a3"]);
      const after = parseApprovalId("a3");
      expect(await ids({ userId: alice, after, limit: 2 })).toEqual(["a4"]);
    });

    test("countPending() counts what waits, of all users", async ({ expect }) => {
      await using store = await open();
      const { approvals } = store;
      expect(await approvals.countPending()).toBe(0);
      for (const id of ["a1", "a2", "a3"]) await approvals.add(approvalOf(id));
      await approvals.add({ ...approvalOf("b1"), userId: bob });
      expect(await approvals.countPending()).toBe(4);
      await approvals.save(denyApproval(approvalOf("a2"), bob, { nowMs: 5 }));
      expect(await approvals.countPending()).toBe(3);
    });

    test("listGrants() lists grants of one tool in one session", async ({ expect }) => {
      await using store = await open();
      const { approvals } = store;
      const others = [
        { ...approvalOf("o1"), sessionId: parseSessionId("s2") },
        { ...approvalOf("o2"), tool: "other" },
        { ...approvalOf("o3"), skill: "other" },
      ];
      for (const approval of [approvalOf("a1"), ...others]) {
        await approvals.add(approval);
        await approvals.save(
          grantApproval(approval, bob, { scope: { kind: "session" }, nowMs: 5 }),
        );
      }
      await approvals.add(approvalOf("pending"));
      const found = await approvals.listGrants({ sessionId, skill: "mail", tool: "send" });
      expect(found.map(({ id }) => id)).toEqual(["a1"]);
    });

    test("listOfTurn() and list() list what was asked, decided or not", async ({ expect }) => {
      await using store = await open();
      const { approvals } = store;
      const turnId = parseTurnId("t2");
      const other = parseSessionId("s2");
      for (const approval of [
        approvalOf("a1"),
        approvalOf("a2", { turnId }),
        approvalOf("a3", { turnId, sessionId: other }),
        approvalOf("b1", { userId: bob }),
      ]) {
        await approvals.add(approval);
      }
      await approvals.save(denyApproval(approvalOf("a2", { turnId }), bob, { nowMs: 5 }));
      const idsOf = (found: readonly Approval[]) => found.map(({ id }) => id);
      expect(idsOf(await approvals.listOfTurn(turnId))).toEqual(["a2", "a3"]);
      const ids = async (input: Parameters<ApprovalRepository["list"]>[0]) =>
        idsOf(await approvals.list(input));
      expect(await ids({ limit: 9 })).toEqual(["b1", "a3", "a2", "a1"]);
      expect(await ids({ sessionId, limit: 9 })).toEqual(["b1", "a2", "a1"]);
      expect(await ids({ sessionId, userId: alice, state: "pending", limit: 9 })).toEqual(["a1"]);
      expect(await ids({ userId: alice, state: "denied", limit: 9 })).toEqual(["a2"]);
      const before = parseApprovalId("a3");
      expect(await ids({ userId: alice, before, limit: 1 })).toEqual(["a2"]);
    });

    test("resolve() stores a decision once", async ({ expect }) => {
      await using store = await open();
      const { approvals } = store;
      await approvals.add(approvalOf("a1"));
      const denied = denyApproval(approvalOf("a1"), bob, { nowMs: 5 });
      const event = {
        atMs: 5,
        actor: bob,
        action: "approval.denied",
        subject: "approval:a1",
        decision: "denied",
        detail: {},
      } as const;
      const results = await Promise.all([
        approvals.resolve(denied, event),
        approvals.resolve(denied, event),
      ]);
      expect(results).toContainEqual({ kind: "saved", isResumed: false });
      expect(results).toContainEqual({ kind: "stale" });
      expect(await approvals.find(denied.id)).toEqual({ ...denied, revision: 1 });
    });

    test("a pattern is used just as often as it may be, however many use it at once", async ({
      expect,
    }) => {
      await using opened = await open();
      const { approvals } = opened;
      const pattern = { kind: "pattern", fixed: {}, usesLeft: 7, expiresAtMs: 90 } as const;
      const asked = approvalOf("a1");
      const granted = grantApproval(asked, asked.userId, { scope: pattern, nowMs: 2 });
      await approvals.add(granted);
      const call = { ...asked, skill: "mail", tool: "send" };
      const use = async (): Promise<boolean> => {
        for (;;) {
          const found = await approvals.find(asked.id);
          const used = found && useApproval(found, call, 3);
          if (used === undefined) return false;
          if ((await approvals.save(used)) === "saved") return true;
        }
      };
      const uses = await Promise.all(Array.from({ length: 20 }, use));
      expect(uses.filter(Boolean)).toHaveLength(7);
      expect((await approvals.find(asked.id))?.state).toMatchObject({ scope: { usesLeft: 0 } });
    });

    test("of two calls that use one grant at once, one is told to look again", async ({
      expect,
    }) => {
      await using store = await open();
      const { approvals } = store;
      await approvals.add(approvalOf("a1"));
      const scope = { kind: "once", isUsed: false } as const;
      await approvals.save(grantApproval(approvalOf("a1"), bob, { scope, nowMs: 5 }));
      const granted = (await approvals.find(parseApprovalId("a1"))) as Approval;
      const used = useApproval(granted, granted, 6) as Approval;
      const results = await Promise.all([approvals.save(used), approvals.save(used)]);
      expect(results.toSorted()).toEqual(["saved", "stale"]);
      const now = (await approvals.find(granted.id)) as Approval;
      expect(useApproval(now, granted, 7)).toBeUndefined();
    });
  });
}
