import { canonicalJson } from "../shared/canonical-json.ts";
import type { ApprovalId, SessionId, ToolCallId, TurnId, UserId } from "../shared/id.ts";
import type { JsonValue } from "../shared/json.ts";
import type { ApprovalCard } from "./approval-card.ts";

/**
 * A question to a person: may this call be made? It is bound to the call by the tool, the skill's
 * digest and the hash of the canonical arguments, and to the session it was asked in.
 */
export interface Approval extends ApprovedCall {
  readonly id: ApprovalId;
  /** Whose session it is. */
  readonly userId: UserId;
  /** The turn that asks, and which of its calls it is. */
  readonly turnId: TurnId;
  readonly toolCallId: ToolCallId;
  readonly input: JsonValue;
  /** What is shown to who decides. */
  readonly card: ApprovalCard;
  readonly requestedAtMs: number;
  /** Until then somebody may decide. */
  readonly expiresAtMs: number;
  readonly state: ApprovalState;
  /** Grows with every write; a write names the one that it saw. */
  readonly revision: number;
}

/** What an approval is bound to. */
export interface ApprovedCall {
  readonly sessionId: SessionId;
  readonly skill: string;
  readonly skillDigest: string;
  readonly tool: string;
  /** sha256 in hex of the canonical JSON (RFC 8785) of the arguments. */
  readonly inputHash: string;
}

export type ApprovalState =
  | { readonly kind: "pending" }
  | ApprovalGrant
  | {
      readonly kind: "denied";
      readonly by: UserId;
      readonly atMs: number;
      readonly reason: string | undefined;
    }
  | { readonly kind: "expired"; readonly atMs: number }
  /** Nothing more may be done on the strength of the grant. */
  | {
      readonly kind: "revoked";
      readonly by: UserId;
      readonly atMs: number;
      readonly grant: ApprovalGrant;
    };

export interface ApprovalGrant {
  readonly kind: "granted";
  readonly by: UserId;
  readonly atMs: number;
  readonly scope: ApprovalScope;
}

/** How far a grant reaches. None reaches beyond the session. */
export type ApprovalScope =
  /** The call that was asked for, and no other: worth nothing once its turn has ended. */
  | { readonly kind: "once"; readonly isUsed: boolean }
  /** Every call of the tool with exactly these arguments. */
  | { readonly kind: "session" }
  /** Calls of the tool whose arguments have these values, so many and until then. */
  | {
      readonly kind: "pattern";
      readonly fixed: { readonly [argument: string]: JsonValue };
      readonly usesLeft: number;
      readonly expiresAtMs: number;
    };

/** A call that asks whether it was approved. */
export interface AskedCall extends ApprovedCall {
  readonly turnId: TurnId;
  readonly toolCallId: ToolCallId;
  readonly input: JsonValue;
}

/** pending -> granted, unless it is too late. */
export function grantApproval(
  approval: Approval,
  by: UserId,
  { scope, nowMs }: { readonly scope: ApprovalScope; readonly nowMs: number },
): Approval {
  assertOpen(approval, "grant", nowMs);
  if (scope.kind === "pattern" && !isCovered(scope, approval.input)) {
    throw new RangeError(
      `Cannot grant approval "${approval.id}": the pattern does not match the call that was asked for`,
    );
  }
  return { ...approval, state: { kind: "granted", by, atMs: nowMs, scope } };
}

/** pending -> denied, unless it is too late. */
export function denyApproval(
  approval: Approval,
  by: UserId,
  { reason, nowMs }: { readonly reason?: string; readonly nowMs: number },
): Approval {
  assertOpen(approval, "deny", nowMs);
  return { ...approval, state: { kind: "denied", by, atMs: nowMs, reason } };
}

/** pending -> expired, once its time is up. */
export function expireApproval(approval: Approval, nowMs: number): Approval {
  assertPending(approval, "expire");
  if (nowMs < approval.expiresAtMs) {
    throw new RangeError(`Cannot expire approval "${approval.id}": its time is not up`);
  }
  return { ...approval, state: { kind: "expired", atMs: nowMs } };
}

/** granted -> revoked, used up or not. */
export function revokeApproval(
  approval: Approval,
  by: UserId,
  { nowMs }: { readonly nowMs: number },
): Approval {
  const { id, state: grant } = approval;
  if (grant.kind !== "granted") {
    throw new RangeError(`Cannot revoke approval "${id}": it is "${grant.kind}", expected granted`);
  }
  return { ...approval, state: { kind: "revoked", by, atMs: nowMs, grant } };
}

/**
 * Uses a grant for one call: gives the approval as it is after that, or `undefined` where it does
 * not cover the call (any more). A call may be made only after the result was saved.
 */
export function useApproval(
  approval: Approval,
  call: AskedCall,
  nowMs: number,
): Approval | undefined {
  const { state } = approval;
  if (state.kind !== "granted" || !isSameTool(approval, call)) return undefined;
  const { scope } = state;
  switch (scope.kind) {
    case "once":
      if (scope.isUsed || !isSameCall(approval, call)) return undefined;
      return { ...approval, state: { ...state, scope: { ...scope, isUsed: true } } };
    case "session":
      return approval.inputHash === call.inputHash ? approval : undefined;
    case "pattern": {
      const isLive = scope.usesLeft > 0 && nowMs < scope.expiresAtMs;
      if (!isLive || !isCovered(scope, call.input)) return undefined;
      const usesLeft = scope.usesLeft - 1;
      return { ...approval, state: { ...state, scope: { ...scope, usesLeft } } };
    }
    default:
      return scope satisfies never;
  }
}

/** A new version of a skill is another program: what was granted to the old one is not its own. */
function isSameTool(approval: ApprovedCall, call: ApprovedCall): boolean {
  return (
    approval.sessionId === call.sessionId &&
    approval.skill === call.skill &&
    approval.skillDigest === call.skillDigest &&
    approval.tool === call.tool
  );
}

/** The very call that was asked for, not another one like it. */
function isSameCall(approval: AskedCall, call: AskedCall): boolean {
  return (
    approval.turnId === call.turnId &&
    approval.toolCallId === call.toolCallId &&
    approval.inputHash === call.inputHash
  );
}

/** Whether a call with this input has what the pattern wants. */
export function isCovered(
  { fixed }: ApprovalScope & { kind: "pattern" },
  input: JsonValue,
): boolean {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return false;
  const given = new Map(Object.entries(input));
  return Object.entries(fixed).every(([name, value]) => {
    const found = given.get(name);
    return found !== undefined && canonicalJson(found) === canonicalJson(value);
  });
}

function assertOpen(approval: Approval, verb: string, nowMs: number): void {
  assertPending(approval, verb);
  if (nowMs < approval.expiresAtMs) return;
  throw new RangeError(`Cannot ${verb} approval "${approval.id}": its time is up`);
}

function assertPending({ id, state }: Approval, verb: string): void {
  if (state.kind === "pending") return;
  throw new RangeError(`Cannot ${verb} approval "${id}": it is "${state.kind}", expected pending`);
}
