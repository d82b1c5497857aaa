import type { ApprovalId, SessionId, UserId } from "../shared/id.ts";
import type { Approval } from "./approval.ts";

/**
 * The questions to people and their answers. All reject with `Fault` `STORE_UNAVAILABLE` where the
 * store cannot be used.
 */
export interface ApprovalRepository {
  find(approvalId: ApprovalId): Promise<Approval | undefined>;
  /** Those that wait for somebody, oldest first: of one user, or of all. */
  listPending(input: ListPending): Promise<readonly Approval[]>;
  /** Grants that a call of this tool may use, oldest first; used up ones are among them. */
  listGrants(input: ListGrants): Promise<readonly Approval[]>;
  /** Stores a new one, with revision 0. */
  add(approval: Approval): Promise<void>;
  /**
   * Stores an approval as it has become, where nobody else has written it since; it then has the
   * next revision. `stale`: somebody has, or it is gone; nothing was written. So of two calls that
   * use one grant at once, one is told to look again.
   */
  save(approval: Approval): Promise<"saved" | "stale">;
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
