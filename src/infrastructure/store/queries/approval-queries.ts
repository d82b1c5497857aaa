import { sql } from "kysely";
import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";

const decision = {
  state: arg("state"),
  decided_by: arg<string | null>("decidedBy"),
  decided_at_ms: arg<number | null>("decidedAtMs"),
  reason: arg<string | null>("reason"),
  scope_json: arg<string | null>("scopeJson"),
};

export const approvalQueries = {
  insertApproval: compile(
    builder.insertInto("approval").values({
      approval_id: arg("approvalId"),
      user_id: arg("userId"),
      session_id: arg("sessionId"),
      skill: arg("skill"),
      skill_digest: arg("skillDigest"),
      tool: arg("tool"),
      input_hash: arg("inputHash"),
      input_json: arg("inputJson"),
      requested_at_ms: arg<number>("requestedAtMs"),
      expires_at_ms: arg<number>("expiresAtMs"),
      ...decision,
      revision: 0,
    }),
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
      .where("state", "=", "pending")
      .where("approval_id", ">", arg("after"))
      .where(sql<boolean>`${arg("userId")} in ('', user_id)`)
      .orderBy("approval_id")
      .limit(arg<number>("limit")),
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
  deleteSessionApprovals: compile(
    builder.deleteFrom("approval").where("session_id", "=", arg("sessionId")),
  ),
};
