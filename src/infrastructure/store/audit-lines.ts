import { z } from "zod";
import type { AuditEntry, Sealed } from "#domain/audit/audit-log.ts";
import type { JsonValue } from "#domain/shared/json.ts";

/*
 * The audit log as JSON Lines: an entry a line, oldest first, as `audit export` writes it. A value
 * that was erased has its hash only.
 */

const Hash = z.string().regex(/^[0-9a-f]{64}$/u, "expected 64 lower-case hex digits");
const sealed = <T extends JsonValue>(value: z.ZodType<T>) =>
  z.union([
    z.strictObject({ hash: Hash, salt: z.string(), value }),
    z.strictObject({ hash: Hash }),
  ]);
const Line = z.strictObject({
  seq: z.int().min(1),
  atMs: z.int(),
  action: z.string(),
  decision: z.enum(["allowed", "denied"]),
  policyHash: z.string().nullable(),
  actor: sealed(z.string()),
  subject: sealed(z.string()),
  detail: sealed(z.json()),
  prevHash: Hash,
  hash: Hash,
});

export function toAuditLine(entry: AuditEntry): string {
  const { policyHash = null, actor, subject, detail, prevHash, hash, ...head } = entry;
  const line = {
    ...head,
    policyHash,
    actor: toValue(actor),
    subject: toValue(subject),
    detail: toValue(detail),
    prevHash,
    hash,
  };
  return JSON.stringify(line);
}

/** Throws `RangeError` where a line is not an entry. */
export function parseAuditLine(text: string): AuditEntry {
  const { policyHash, actor, subject, detail, ...head } = parse(text);
  return {
    ...head,
    policyHash: policyHash ?? undefined,
    actor: fromValue(actor),
    subject: fromValue(subject),
    detail: fromValue(detail),
  };
}

function parse(text: string): z.output<typeof Line> {
  try {
    return Line.parse(JSON.parse(text));
  } catch (cause) {
    throw new RangeError("Cannot read the line: expected an entry of the audit log as JSON", {
      cause,
    });
  }
}

type Value<T> = { readonly hash: string } | { readonly hash: string; salt: string; value: T };

function toValue<T extends JsonValue>(of: Sealed<T>): Value<T> {
  if (of.kind === "erased") return { hash: of.hash };
  return { hash: of.hash, salt: of.salt, value: of.value };
}

function fromValue<T extends JsonValue>(value: Value<T>): Sealed<T> {
  return "salt" in value ? { kind: "kept", ...value } : { kind: "erased", hash: value.hash };
}
