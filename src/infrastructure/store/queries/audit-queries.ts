import { sql } from "kysely";
import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";

const NOTHING_KEPT = { detail_json: null, detail_salt: null, subject: null, subject_salt: null };

export const auditQueries = {
  findAuditHead: compile<AuditHeadRow>(auditHead()),
  /** Whoever adds entries holds the head, so that their numbers have no gap. */
  lockAuditHead: compile<AuditHeadRow>(auditHead(), auditHead().forUpdate()),
  moveAuditHead: compile(
    builder
      .updateTable("audit_head")
      .set({ seq: arg<number>("seq"), hash: arg("hash") })
      .where("head_id", "=", 1),
  ),
  insertAuditEntry: compile(
    builder.insertInto("audit_entry").values({
      seq: arg<number>("seq"),
      at_ms: arg<number>("atMs"),
      action: arg("action"),
      decision: arg("decision"),
      policy_hash: arg<string | null>("policyHash"),
      actor: arg("actor"),
      actor_salt: arg("actorSalt"),
      actor_hash: arg("actorHash"),
      subject: arg("subject"),
      subject_salt: arg("subjectSalt"),
      subject_hash: arg("subjectHash"),
      detail_json: arg("detailJson"),
      detail_salt: arg("detailSalt"),
      detail_hash: arg("detailHash"),
      prev_hash: arg("prevHash"),
      hash: arg("hash"),
    }),
  ),
  readAudit: compile<Schema["audit_entry"]>(
    builder
      .selectFrom("audit_entry")
      .selectAll()
      .where("seq", ">", arg<number>("seq"))
      .orderBy("seq")
      .limit(arg<number>("limit")),
  ),
  /** Latest first; an empty text is any. */
  listAudit: compile<Schema["audit_entry"]>(listAudit()),
  listAuditOfActor: compile<Schema["audit_entry"]>(listAudit().where("actor", "=", arg("actor"))),
  listAuditOfSubject: compile<Schema["audit_entry"]>(
    listAudit().where("subject", "=", arg("subject")),
  ),
  eraseAuditOfActor: compile(
    builder
      .updateTable("audit_entry")
      .set({ ...NOTHING_KEPT, actor: null, actor_salt: null })
      .where("actor", "=", arg("userId")),
  ),
  eraseAuditOfSubject: compile(
    builder.updateTable("audit_entry").set(NOTHING_KEPT).where("subject", "=", arg("subject")),
  ),
};

type AuditHeadRow = Pick<Schema["audit_head"], "seq" | "hash">;

function auditHead() {
  return builder.selectFrom("audit_head").select(["seq", "hash"]).where("head_id", "=", 1);
}

function listAudit() {
  return builder
    .selectFrom("audit_entry")
    .selectAll()
    .where("seq", "<", arg<number>("before"))
    .where("at_ms", ">=", arg<number>("sinceMs"))
    .where("at_ms", "<", arg<number>("untilMs"))
    .where(sql<boolean>`${arg("action")} in ('', action)`)
    .where(sql<boolean>`${arg("decision")} in ('', decision)`)
    .where(sql<boolean>`${arg("subject")} in ('', subject)`)
    .orderBy("seq", "desc")
    .limit(arg<number>("limit"));
}
