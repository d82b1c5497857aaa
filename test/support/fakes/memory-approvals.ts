import type { Approval } from "#domain/approval/approval.ts";
import type { ApprovalRepository } from "#domain/approval/approval-repository.ts";

/** Approvals in memory. */
export function createMemoryApprovals(): ApprovalRepository {
  const approvals = new Map<string, Approval>();
  const inOrder = () =>
    [...approvals.values()].toSorted((one, other) => (one.id < other.id ? -1 : 1));
  return {
    find: async (id) => approvals.get(id),
    listPending: async ({ userId, after = "", limit }) =>
      inOrder()
        .filter((approval) => approval.state.kind === "pending" && approval.id > after)
        .filter((approval) => userId === undefined || approval.userId === userId)
        .slice(0, limit),
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
    save: async (approval) => {
      const { id, revision } = approval;
      if (approvals.get(id)?.revision !== revision) return "stale";
      approvals.set(id, { ...approval, revision: revision + 1 });
      return "saved";
    },
  };
}
