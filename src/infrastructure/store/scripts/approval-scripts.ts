import { JOB_QUEUES } from "#application/ports/job-queues.ts";
import type {
  Approval,
  ApprovalGrant,
  ApprovalScope,
  ApprovalState,
} from "#domain/approval/approval.ts";
import type { ApprovalCard } from "#domain/approval/approval-card.ts";
import type {
  ListApprovals,
  ListGrants,
  ListPending,
  ResolveApproval,
} from "#domain/approval/approval-repository.ts";
import type { AuditEvent } from "#domain/audit/audit-log.ts";
import {
  type ApprovalId,
  parseApprovalId,
  parseSessionId,
  parseToolCallId,
  parseTurnId,
  parseUserId,
  type TurnId,
} from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import { queries } from "../load-queries.ts";
import type { QueryArgs } from "../query.ts";
import type { Schema } from "../schema.ts";
import { all, enqueue, get, run, type Script } from "../script.ts";
import { appendAudit } from "./audit-scripts.ts";

/** Sorts after every id. */
const LAST_ID = "~";
const REQUEUED_AT_ONCE = 500;

export function* findApproval(approvalId: ApprovalId): Script<Approval | undefined> {
  const row = yield* get(queries.findApproval, { approvalId });
  return row && fromRow(row);
}

export function* listPendingApprovals(input: ListPending): Script<Approval[]> {
  const { userId = "", after = "", limit } = input;
  return (yield* all(queries.listPendingApprovals, { userId, after, limit })).map(fromRow);
}

export function* countPendingApprovals(): Script<number> {
  return (yield* get(queries.countPendingApprovals, {}))?.count ?? 0;
}

export function* listGrants(input: ListGrants): Script<Approval[]> {
  return (yield* all(queries.listGrants, { ...input })).map(fromRow);
}

export function* listApprovalsOfTurn(turnId: TurnId): Script<Approval[]> {
  return (yield* all(queries.listApprovalsOfTurn, { turnId })).map(fromRow);
}

export function* listApprovals(input: ListApprovals): Script<Approval[]> {
  const { userId = "", sessionId, state = "", before = LAST_ID, limit } = input;
  const args = { userId, state, before, limit };
  const query =
    sessionId !== undefined
      ? all(queries.listApprovalsOfSession, { ...args, sessionId })
      : all(userId === "" ? queries.listApprovals : queries.listApprovalsOfUser, args);
  return (yield* query).map(fromRow);
}

export function* addApproval(approval: Approval): Script<void> {
  yield* run(queries.insertApproval, toArgs(approval));
}

export function* saveApproval(approval: Approval): Script<"saved" | "stale"> {
  return (yield* run(queries.updateApproval, toArgs(approval))) === 1 ? "saved" : "stale";
}

/** Has questions end of themselves when their time is up. */
export function* enqueueExpiries(approvals: readonly Approval[], nowMs: number): Script<void> {
  const queue = JOB_QUEUES.expireApproval.name;
  const jobs = approvals.map(({ id: approvalId, expiresAtMs: readyAtMs }) => {
    return { queue, data: { approvalId }, key: approvalId, readyAtMs };
  });
  yield* enqueue(jobs, nowMs);
}

/** Gives all questions that are open their jobs again. */
export function* requeueExpiries(nowMs: number): Script<void> {
  let after: ApprovalId | undefined;
  for (;;) {
    const open = yield* listPendingApprovals({ after, limit: REQUEUED_AT_ONCE });
    if (open.length > 0) yield* enqueueExpiries(open, nowMs);
    if (open.length < REQUEUED_AT_ONCE) return;
    after = open.at(-1)?.id;
  }
}

export function* resolveApproval(approval: Approval, event: AuditEvent): Script<ResolveApproval> {
  const { turnId } = approval;
  // Of two who decide on the last two at once, the second one sees that it is the last.
  yield* get(queries.lockTurn, { turnId });
  if ((yield* saveApproval(approval)) === "stale") return { kind: "stale" };
  const isLast = (yield* get(queries.findPendingApproval, { turnId })) === undefined;
  const isResumed = isLast && (yield* run(queries.resumeTurn, { turnId })) === 1;
  yield* appendAudit([event]);
  return { kind: "saved", isResumed };
}

function toArgs(approval: Approval): QueryArgs {
  const { state } = approval;
  const revoked = state.kind === "revoked" ? state : undefined;
  const decided = revoked?.grant ?? state;
  return {
    approvalId: approval.id,
    userId: approval.userId,
    sessionId: approval.sessionId,
    turnId: approval.turnId,
    toolCallId: approval.toolCallId,
    cardJson: JSON.stringify(approval.card),
    skill: approval.skill,
    skillDigest: approval.skillDigest,
    tool: approval.tool,
    inputHash: approval.inputHash,
    inputJson: JSON.stringify(approval.input),
    requestedAtMs: approval.requestedAtMs,
    expiresAtMs: approval.expiresAtMs,
    state: state.kind,
    decidedBy: "by" in decided ? decided.by : null,
    decidedAtMs: "atMs" in decided ? decided.atMs : null,
    reason: (state.kind === "denied" ? state.reason : undefined) ?? null,
    scopeJson: decided.kind === "granted" ? JSON.stringify(decided.scope) : null,
    revokedBy: revoked?.by ?? null,
    revokedAtMs: revoked?.atMs ?? null,
    revision: approval.revision,
  };
}

function fromRow(row: Schema["approval"]): Approval {
  return {
    id: parseApprovalId(row.approval_id),
    userId: parseUserId(row.user_id),
    sessionId: parseSessionId(row.session_id),
    turnId: parseTurnId(row.turn_id),
    toolCallId: parseToolCallId(row.tool_call_id),
    card: cardFromRow(row),
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
    case "granted":
      return grantFromRow(row);
    case "revoked": {
      const { revoked_by: by, revoked_at_ms: at } = row;
      return { kind, by: parseUserId(by ?? ""), atMs: at ?? 0, grant: grantFromRow(row) };
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

function grantFromRow(row: Schema["approval"]): ApprovalGrant {
  return {
    kind: "granted",
    by: parseUserId(row.decided_by ?? ""),
    atMs: row.decided_at_ms ?? 0,
    scope: JSON.parse(row.scope_json ?? "null") as ApprovalScope,
  };
}

/** What was asked before there were cards has as much of one as its row tells. */
function cardFromRow(row: Schema["approval"]): ApprovalCard {
  return {
    approvalId: parseApprovalId(row.approval_id),
    toolCallId: parseToolCallId(row.tool_call_id),
    tool: `${row.skill}.${row.tool}`,
    input: JSON.parse(row.input_json) as JsonValue,
    inputHash: row.input_hash,
    effects: [],
    reaches: [],
    rule: "",
    reason: "",
    expiresAtMs: row.expires_at_ms,
    ...(JSON.parse(row.card_json) as Partial<ApprovalCard>),
  };
}
