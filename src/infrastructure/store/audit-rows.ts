import type { AuditEntry, AuditEvent, Sealed } from "#domain/audit/audit-log.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { QueryArgs } from "./query.ts";
import type { Schema } from "./schema.ts";

/* Entries of the audit log as rows. */

export function auditEntryFromRow(row: Schema["audit_entry"]): AuditEntry {
  const { actor_hash, subject_hash, detail_hash } = row;
  return {
    seq: row.seq,
    atMs: row.at_ms,
    action: row.action,
    decision: row.decision as AuditEvent["decision"],
    policyHash: row.policy_hash ?? undefined,
    actor: sealedFrom(actor_hash, row.actor_salt, row.actor),
    subject: sealedFrom(subject_hash, row.subject_salt, row.subject),
    detail: detailFrom(detail_hash, row.detail_salt, row.detail_json),
    prevHash: row.prev_hash,
    hash: row.hash,
  };
}

export function auditEntryToArgs(entry: AuditEntry): QueryArgs {
  const { actor, subject, detail } = entry;
  return {
    seq: entry.seq,
    atMs: entry.atMs,
    action: entry.action,
    decision: entry.decision,
    policyHash: entry.policyHash ?? null,
    actor: actor.kind === "kept" ? actor.value : null,
    actorSalt: saltOf(actor),
    actorHash: actor.hash,
    subject: subject.kind === "kept" ? subject.value : null,
    subjectSalt: saltOf(subject),
    subjectHash: subject.hash,
    detailJson: detail.kind === "kept" ? JSON.stringify(detail.value) : null,
    detailSalt: saltOf(detail),
    detailHash: detail.hash,
    prevHash: entry.prevHash,
    hash: entry.hash,
  };
}

function saltOf(sealed: Sealed<JsonValue>): string | null {
  return sealed.kind === "kept" ? sealed.salt : null;
}

function sealedFrom<T extends JsonValue>(
  hash: string,
  salt: string | null,
  value: T | null,
): Sealed<T> {
  if (salt === null || value === null) return { kind: "erased", hash };
  return { kind: "kept", hash, salt, value };
}

/** Somebody may have written into the database what is no JSON: then it is not what was sealed. */
function detailFrom(hash: string, salt: string | null, json: string | null): Sealed<JsonValue> {
  if (salt === null || json === null) return { kind: "erased", hash };
  try {
    return { kind: "kept", hash, salt, value: JSON.parse(json) as JsonValue };
  } catch {
    return { kind: "kept", hash, salt, value: { unreadable: json } };
  }
}
