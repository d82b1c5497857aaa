import type { AuditEvent } from "../audit/audit-log.ts";
import type { ApprovalId, SessionId, TurnId, UserId } from "../shared/id.ts";
import type { Approval, ApprovalState } from "./approval.ts";

/**
 * The questions to people and their answers. All reject with `Fault` `STORE_UNAVAILABLE` where the
 * store cannot be used.
 */
export interface ApprovalRepository {
  find(approvalId: ApprovalId): Promise<Approval | undefined>;
  /** Those that wait for somebody, oldest first: of one user, or of all. */
  listPending(input: ListPending): Promise<readonly Approval[]>;
  /** How many wait for somebody, of all users. */
  countPending(): Promise<number>;
  /** Grants that a call of this tool may use, oldest first; used up ones are among them. */
  listGrants(input: ListGrants): Promise<readonly Approval[]>;
  /** All that a turn has asked for, oldest first. */
  listOfTurn(turnId: TurnId): Promise<readonly Approval[]>;
  /** Latest first. */
  list(input: ListApprovals): Promise<readonly Approval[]>;
  /** Stores a new one, with revision 0. */
  add(approval: Approval): Promise<void>;
  /**
   * Stores an approval as it has become, where nobody else has written it since; it then has the
   * next revision. `stale`: somebody has, or it is gone; nothing was written. So of two calls that
   * use one grant at once, one is told to look again.
   */
  save(approval: Approval): Promise<"saved" | "stale">;
  /**
   * Stores a decision as `save` does, with its entry in the audit log, and where the approval was the
   * last one that its turn waited for, queues the turn: `isResumed`, somebody has to claim it.
   */
  resolve(approval: Approval, event: AuditEvent): Promise<ResolveApproval>;
}

export type ResolveApproval =
  | { readonly kind: "saved"; readonly isResumed: boolean }
  | { readonly kind: "stale" };

export interface ListApprovals {
  readonly userId?: UserId | undefined;
  readonly sessionId?: SessionId | undefined;
  readonly state?: ApprovalState["kind"] | undefined;
  /** The last one of the page before. */
  readonly before?: ApprovalId | undefined;
  readonly limit: number;
}

export interface ListPending {
  readonly userId?: UserId | undefined;
  /** The last one of the page before. */
  readonly after?: ApprovalId | undefined;
  readonly limit: number;
}

export interface ListGrants {
  readonly sessionId: SessionId;
  readonly skill: string;
  readonly tool: string;
}
