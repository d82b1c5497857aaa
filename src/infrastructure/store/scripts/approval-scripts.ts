import type { Approval, ApprovalScope, ApprovalState } from "#domain/approval/approval.ts";
import type { ListGrants, ListPending } from "#domain/approval/approval-repository.ts";
import {
  type ApprovalId,
  parseApprovalId,
  parseSessionId,
  parseUserId,
} from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import { queries } from "../load-queries.ts";
import type { QueryArgs } from "../query.ts";
import type { Schema } from "../schema.ts";
import { all, get, run, type Script } from "../script.ts";

export function* findApproval(approvalId: ApprovalId): Script<Approval | undefined> {
  const row = yield* get(queries.findApproval, { approvalId });
  return row && fromRow(row);
}

export function* listPendingApprovals(input: ListPending): Script<Approval[]> {
  const { userId = "", after = "", limit } = input;
  return (yield* all(queries.listPendingApprovals, { userId, after, limit })).map(fromRow);
}

export function* listGrants(input: ListGrants): Script<Approval[]> {
  return (yield* all(queries.listGrants, { ...input })).map(fromRow);
}

export function* addApproval(approval: Approval): Script<void> {
  yield* run(queries.insertApproval, toArgs(approval));
}

export function* saveApproval(approval: Approval): Script<"saved" | "stale"> {
  return (yield* run(queries.updateApproval, toArgs(approval))) === 1 ? "saved" : "stale";
}

function toArgs(approval: Approval): QueryArgs {
  const { state } = approval;
  return {
    approvalId: approval.id,
    userId: approval.userId,
    sessionId: approval.sessionId,
    skill: approval.skill,
    skillDigest: approval.skillDigest,
    tool: approval.tool,
    inputHash: approval.inputHash,
    inputJson: JSON.stringify(approval.input),
    requestedAtMs: approval.requestedAtMs,
    expiresAtMs: approval.expiresAtMs,
    state: state.kind,
    decidedBy: "by" in state ? state.by : null,
    decidedAtMs: "atMs" in state ? state.atMs : null,
    reason: (state.kind === "denied" ? state.reason : undefined) ?? null,
    scopeJson: state.kind === "granted" ? JSON.stringify(state.scope) : null,
    revision: approval.revision,
  };
}

function fromRow(row: Schema["approval"]): Approval {
  return {
    id: parseApprovalId(row.approval_id),
    userId: parseUserId(row.user_id),
    sessionId: parseSessionId(row.session_id),
    skill: row.skill,
    skillDigest: row.skill_digest,
    tool: row.tool,
    inputHash: row.input_hash,
    input: JSON.parse(row.input_json) as JsonValue,
    requestedAtMs: row.requested_at_ms,
    expiresAtMs: row.expires_at_ms,
    state: stateFromRow(row),
    revision: row.revision,
  };
}

function stateFromRow(row: Schema["approval"]): ApprovalState {
  const kind = row.state as ApprovalState["kind"];
  const atMs = row.decided_at_ms ?? 0;
  switch (kind) {
    case "pending":
      return { kind };
    case "granted": {
      const scope = JSON.parse(row.scope_json ?? "null") as ApprovalScope;
      return { kind, by: parseUserId(row.decided_by ?? ""), atMs, scope };
    }
    case "denied":
      return {
        kind,
        by: parseUserId(row.decided_by ?? ""),
        atMs,
        reason: row.reason ?? undefined,
      };
    case "expired":
      return { kind, atMs };
    default:
      return kind satisfies never;
  }
}
