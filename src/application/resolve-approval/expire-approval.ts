import { expireApproval } from "#domain/approval/approval.ts";
import { parseApprovalId } from "#domain/shared/id.ts";
import type { JobHandler } from "../ports/jobs.ts";
import { approvalEvent } from "./approval-event.ts";
import type { ResolveApprovalDeps } from "./resolve-approval.ts";

export interface ExpireApprovalDeps extends Pick<ResolveApprovalDeps, "wake" | "nowMs"> {
  readonly approvals: Pick<ResolveApprovalDeps["approvals"], "find" | "resolve">;
}

/** Closes a question about which nobody said anything in time: its turn goes on without the call. */
export function createExpireApproval({ approvals, wake, nowMs }: ExpireApprovalDeps): JobHandler {
  return async function expire(job): Promise<void> {
    const { approvalId } = job.data as { readonly approvalId: string };
    const before = await approvals.find(parseApprovalId(approvalId));
    if (before?.state.kind !== "pending") return;
    // The job is due by the store's clock; this one may be behind.
    const expired = expireApproval(before, Math.max(nowMs(), before.expiresAtMs));
    const result = await approvals.resolve(expired, approvalEvent(expired, "system", nowMs()));
    if (result.kind === "saved" && result.isResumed) wake(expired.sessionId);
  };
}
