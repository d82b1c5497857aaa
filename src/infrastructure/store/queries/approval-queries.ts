import { type RawBuilder, sql } from "kysely";
import { NOW_MS } from "../dialects/now-ms.ts";
import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";

const decision = {
  state: arg("state"),
  decided_by: arg<string | null>("decidedBy"),
  decided_at_ms: arg<number | null>("decidedAtMs"),
  reason: arg<string | null>("reason"),
  scope_json: arg<string | null>("scopeJson"),
  revoked_by: arg<string | null>("revokedBy"),
  revoked_at_ms: arg<number | null>("revokedAtMs"),
};

/** In the words of the index of those that wait, which SQLite takes for nothing else. */
const PENDING = sql.lit("pending");

export const approvalQueries = {
  /** Changes nothing where it is there already. */
  insertApproval: compile(
    builder
      .insertInto("approval")
      .values({
        approval_id: arg("approvalId"),
        user_id: arg("userId"),
        session_id: arg("sessionId"),
        turn_id: arg("turnId"),
        tool_call_id: arg("toolCallId"),
        card_json: arg("cardJson"),
        skill: arg("skill"),
        skill_digest: arg("skillDigest"),
        tool: arg("tool"),
        input_hash: arg("inputHash"),
        input_json: arg("inputJson"),
        requested_at_ms: arg<number>("requestedAtMs"),
        expires_at_ms: arg<number>("expiresAtMs"),
        ...decision,
        revision: 0,
      })
      .onConflict((conflict) => conflict.doNothing()),
  ),
  updateApproval: compile(
    builder
      .updateTable("approval")
      .set((approval) => ({ ...decision, revision: approval("revision", "+", 1) }))
      .where("approval_id", "=", arg("approvalId"))
      .where("revision", "=", arg<number>("revision")),
  ),
  findApproval: compile<Schema["approval"]>(
    builder.selectFrom("approval").selectAll().where("approval_id", "=", arg("approvalId")),
  ),
  /** An empty user is any. */
  listPendingApprovals: compile<Schema["approval"]>(
    builder
      .selectFrom("approval")
      .selectAll()
      .where("state", "=", PENDING)
      .where("approval_id", ">", arg("after"))
      .where(sql<boolean>`${arg("userId")} in ('', user_id)`)
      .orderBy("approval_id")
      .limit(arg<number>("limit")),
  ),
  countPendingApprovals: compile<{ count: number }>(
    builder
      .selectFrom("approval")
      .select(({ fn }) => fn.countAll<number>().as("count"))
      .where("state", "=", PENDING),
  ),
  listGrants: compile<Schema["approval"]>(
    builder
      .selectFrom("approval")
      .selectAll()
      .where("session_id", "=", arg("sessionId"))
      .where("skill", "=", arg("skill"))
      .where("tool", "=", arg("tool"))
      .where("state", "=", "granted")
      .orderBy("approval_id"),
  ),
  listApprovalsOfTurn: compile<Schema["approval"]>(
    builder
      .selectFrom("approval")
      .selectAll()
      .where("turn_id", "=", arg("turnId"))
      .orderBy("approval_id"),
  ),
  /** Latest first; an empty text is any. */
  listApprovals: compile<Schema["approval"]>(listApprovals()),
  listApprovalsOfSession: compile<Schema["approval"]>(
    listApprovals().where("session_id", "=", arg("sessionId")),
  ),
  listApprovalsOfUser: compile<Schema["approval"]>(
    listApprovals().where("user_id", "=", arg("userId")),
  ),
  /** Nobody is to decide any more on what a turn has asked. */
  closeApprovals: compile(close(NOW_MS.sqlite), close(NOW_MS.postgres)),
  deleteSessionApprovals: compile(
    builder.deleteFrom("approval").where("session_id", "=", arg("sessionId")),
  ),
};

function listApprovals() {
  return builder
    .selectFrom("approval")
    .selectAll()
    .where("approval_id", "<", arg("before"))
    .where(sql<boolean>`${arg("userId")} in ('', user_id)`)
    .where(sql<boolean>`${arg("state")} in ('', state)`)
    .orderBy("approval_id", "desc")
    .limit(arg<number>("limit"));
}

function close(nowMs: RawBuilder<number>) {
  return builder
    .updateTable("approval")
    .set((approval) => ({
      state: "expired",
      decided_at_ms: nowMs,
      revision: approval("revision", "+", 1),
    }))
    .where("turn_id", "=", arg("turnId"))
    .where("state", "=", "pending");
}
