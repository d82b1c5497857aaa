import type { JsonValue } from "../shared/json.ts";

/**
 * Something that was done or refused. What concerns a person stands in `actor`, `subject` or
 * `detail` and nowhere else, and `detail` holds nothing on anybody but these two: so it can be
 * erased with them.
 */
export interface AuditEvent {
  readonly atMs: number;
  /** A user's id, "system", or "anonymous" for who has not signed in. */
  readonly actor: string;
  /** As "token.created", "access.denied". */
  readonly action: string;
  /** What it was done to, as "user:<id>", "session:<id>", "skill:<name>", "address:<ip>". */
  readonly subject: string;
  readonly decision: "allowed" | "denied";
  /** Of the policy that decided. */
  readonly policyHash?: string;
  /** At most 8 KiB as JSON; a longer one is left out. */
  readonly detail: JsonValue;
}

export interface ListAudit {
  readonly actor?: string;
  readonly action?: string;
  readonly subject?: string;
  readonly decision?: AuditEvent["decision"];
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** The `seq` of the last entry of the page before. */
  readonly before?: number;
  readonly limit: number;
}
