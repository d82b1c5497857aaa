import type { Approval } from "#domain/approval/approval.ts";
import type { ApprovalRepository } from "#domain/approval/approval-repository.ts";
import type { AuditEvent } from "#domain/audit/audit-log.ts";
import type { TurnId } from "#domain/shared/id.ts";

export interface MemoryApprovalsOptions {
  /** Turns that wait; those that go on are taken out. */
  readonly waiting?: Set<TurnId>;
  /** What was told to the audit log. */
  readonly events?: AuditEvent[];
}

/** Approvals in memory. */
export function createMemoryApprovals({
  waiting = new Set(),
  events = [],
}: MemoryApprovalsOptions = {}): ApprovalRepository {
  const approvals = new Map<string, Approval>();
  const inOrder = () =>
    [...approvals.values()].toSorted((one, other) => (one.id < other.id ? -1 : 1));
  const save = (approval: Approval): "saved" | "stale" => {
    const { id, revision } = approval;
    if (approvals.get(id)?.revision !== revision) return "stale";
    approvals.set(id, { ...approval, revision: revision + 1 });
    return "saved";
  };
  const isPending = (approval: Approval) => approval.state.kind === "pending";
  return {
    find: async (id) => approvals.get(id),
    listPending: async ({ userId, after = "", limit }) =>
      inOrder()
        .filter((approval) => approval.state.kind === "pending" && approval.id > after)
        .filter((approval) => userId === undefined || approval.userId === userId)
        .slice(0, limit),
    countPending: async () => inOrder().filter(isPending).length,
    listGrants: async ({ sessionId, skill, tool }) =>
      inOrder().filter(
        (approval) =>
          approval.state.kind === "granted" &&
          approval.sessionId === sessionId &&
          approval.skill === skill &&
          approval.tool === tool,
      ),
    add: async (approval) => {
      approvals.set(approval.id, { ...approval, revision: 0 });
    },
    save: async (approval) => save(approval),
    resolve: async (approval, event) => {
      if (save(approval) === "stale") return { kind: "stale" };
      const { turnId } = approval;
      const isLast = !inOrder().some((other) => other.turnId === turnId && isPending(other));
      events.push(event);
      return { kind: "saved", isResumed: isLast && waiting.delete(turnId) };
    },
    listOfTurn: async (turnId) => inOrder().filter((approval) => approval.turnId === turnId),
    list: async ({ userId, sessionId, state, before = "~", limit }) =>
      inOrder()
        .toReversed()
        .filter((approval) => userId === undefined || approval.userId === userId)
        .filter((approval) => sessionId === undefined || approval.sessionId === sessionId)
        .filter((approval) => state === undefined || approval.state.kind === state)
        .filter(({ id }) => id < before)
        .slice(0, limit),
  };
}
