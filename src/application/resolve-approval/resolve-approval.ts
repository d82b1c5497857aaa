import {
  type Approval,
  type ApprovalScope,
  denyApproval,
  expireApproval,
  grantApproval,
  isCovered,
  revokeApproval,
} from "#domain/approval/approval.ts";
import type { ApprovalRepository, ListApprovals } from "#domain/approval/approval-repository.ts";
import type { ApprovalId, SessionId, UserId } from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { NowMs } from "../ports/clock.ts";
import { approvalEvent } from "./approval-event.ts";

export interface ResolveApprovalDeps {
  readonly approvals: Pick<ApprovalRepository, "find" | "list" | "resolve">;
  /** A turn of the session may go on. */
  readonly wake: (sessionId: SessionId) => void;
  readonly nowMs: NowMs;
}

export interface OwnApproval {
  /** Who decides: the one whose session asks, nobody else. */
  readonly userId: UserId;
  readonly approvalId: ApprovalId;
}

export interface DecideApproval extends OwnApproval {
  /** Of the arguments that were shown to who decides. */
  readonly inputHash: string;
  readonly decision: ApprovalDecision;
}

export type ApprovalDecision =
  | { readonly kind: "deny"; readonly reason?: string | undefined }
  | { readonly kind: "grant"; readonly scope: GrantedScope };

/** How far a grant is to reach. */
export type GrantedScope =
  | { readonly kind: "once" }
  | { readonly kind: "session" }
  | {
      readonly kind: "pattern";
      /** Arguments that a call must have as the one that was shown, at least one. */
      readonly fixed: { readonly [argument: string]: JsonValue };
      readonly uses: number;
      readonly minutes: number;
    };

export type DecideApprovalResult =
  | { readonly kind: "decided"; readonly approval: Approval }
  /** There is none of this user. */
  | { readonly kind: "not-found" }
  /** The call is another one than was shown. */
  | { readonly kind: "mismatch" }
  /** Somebody was faster, or its time was up. */
  | { readonly kind: "closed"; readonly state: ClosedState }
  /** The pattern does not hold the call that was asked for. */
  | { readonly kind: "bad-pattern" };

export type RevokeApprovalResult =
  | Exclude<DecideApprovalResult, { kind: "mismatch" | "bad-pattern" }>
  /** Nobody has granted anything yet: it can be denied. */
  | { readonly kind: "pending" };

type ClosedState = Exclude<Approval["state"]["kind"], "pending">;

const TRIES = 5;
const MINUTE_MS = 60_000;

/** What people do about the calls that a turn asks for. All reject with `STORE_UNAVAILABLE`. */
export function createResolveApproval(deps: ResolveApprovalDeps) {
  const { approvals, wake, nowMs } = deps;

  async function findOwn({ userId, approvalId }: OwnApproval): Promise<Approval | undefined> {
    const approval = await approvals.find(approvalId);
    return approval?.userId === userId ? approval : undefined;
  }

  /** `undefined`: somebody has written it meanwhile. */
  async function store(approval: Approval, actor: string): Promise<Approval | undefined> {
    const result = await approvals.resolve(approval, approvalEvent(approval, actor, nowMs()));
    if (result.kind === "stale") return undefined;
    if (result.isResumed) wake(approval.sessionId);
    return { ...approval, revision: approval.revision + 1 };
  }

  return {
    listApprovals: (input: ListApprovals) => approvals.list(input),

    findApproval: findOwn,

    /** Grants or denies. The turn goes on once all that it asked for is decided. */
    async decideApproval(input: DecideApproval): Promise<DecideApprovalResult> {
      for (let attempt = 0; attempt < TRIES; attempt++) {
        const before = await findOwn(input);
        if (before === undefined) return { kind: "not-found" };
        if (before.inputHash !== input.inputHash) return { kind: "mismatch" };
        if (before.state.kind !== "pending") return { kind: "closed", state: before.state.kind };
        const atMs = nowMs();
        const isLate = atMs >= before.expiresAtMs;
        const after = isLate ? expireApproval(before, atMs) : decide(before, input, atMs);
        if (after === undefined) return { kind: "bad-pattern" };
        const stored = await store(after, isLate ? "system" : input.userId);
        if (stored === undefined) continue;
        return isLate
          ? { kind: "closed", state: "expired" }
          : { kind: "decided", approval: stored };
      }
      throw new Error(`Cannot decide approval "${input.approvalId}": it changes all the time`);
    },

    /** Takes a grant back, used up or not: nothing more is called on the strength of it. */
    async revokeApproval(input: OwnApproval): Promise<RevokeApprovalResult> {
      // Calls that use the grant write it too: whoever comes second looks again.
      for (let attempt = 0; attempt < TRIES; attempt++) {
        const before = await findOwn(input);
        if (before === undefined) return { kind: "not-found" };
        const { kind: state } = before.state;
        if (state === "pending") return { kind: "pending" };
        if (state !== "granted") return { kind: "closed", state };
        const stored = await store(
          revokeApproval(before, input.userId, { nowMs: nowMs() }),
          input.userId,
        );
        if (stored !== undefined) return { kind: "decided", approval: stored };
      }
      throw new Error(`Cannot revoke approval "${input.approvalId}": it changes all the time`);
    },
  };
}

function decide(
  before: Approval,
  { userId, decision }: DecideApproval,
  nowMs: number,
): Approval | undefined {
  if (decision.kind === "deny") {
    const { reason } = decision;
    return denyApproval(before, userId, { nowMs, ...(reason === undefined ? {} : { reason }) });
  }
  const scope = toScope(decision.scope, nowMs);
  if (scope.kind === "pattern" && !isCovered(scope, before.input)) return undefined;
  return grantApproval(before, userId, { scope, nowMs });
}

function toScope(scope: GrantedScope, nowMs: number): ApprovalScope {
  switch (scope.kind) {
    case "once":
      return { kind: "once", isUsed: false };
    case "session":
      return scope;
    case "pattern": {
      const { fixed, uses: usesLeft, minutes } = scope;
      return { kind: "pattern", fixed, usesLeft, expiresAtMs: nowMs + minutes * MINUTE_MS };
    }
    default:
      return scope satisfies never;
  }
}
