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
  /** What it was done to, as "user:<id>", "session:<id>", "skill:<name>", "tool:<name>", "address:<ip>". */
  readonly subject: string;
  readonly decision: "allowed" | "denied";
  /** Of the policy that decided. */
  readonly policyHash?: string;
  /** At most 8 KiB as JSON; a longer one is left out. */
  readonly detail: JsonValue;
}

/** An event as it stands in the chain; see `audit-chain.ts`. */
export interface AuditEntry {
  /** 1, 2, 3, ... without a gap. */
  readonly seq: number;
  readonly atMs: number;
  readonly action: string;
  readonly decision: AuditEvent["decision"];
  readonly policyHash: string | undefined;
  readonly actor: Sealed<string>;
  readonly subject: Sealed<string>;
  readonly detail: Sealed<JsonValue>;
  readonly prevHash: string;
  readonly hash: string;
}

export type Sealed<T extends JsonValue> =
  | { readonly kind: "kept"; readonly hash: string; readonly salt: string; readonly value: T }
  | { readonly kind: "erased"; readonly hash: string };

/** The last entry of a chain. */
export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

/** Takes an event without delay: it is written soon, unless the process is killed before. */
export type RecordAudit = (event: AuditEvent) => void;

/**
 * The audit log: entries are added, never changed but for what is erased with a user, and never
 * removed. All reject with `Fault` `STORE_UNAVAILABLE` where the store cannot be used.
 */
export interface AuditLog {
  /** Adds events in this order; they survive any crash when it is fulfilled. */
  append(events: readonly AuditEvent[]): Promise<void>;
  /** Newest first, at most `limit`. */
  list(input: ListAudit): Promise<readonly AuditEntry[]>;
  /** Entries after `seq`, oldest first, at most `limit`. */
  read(seq: number, limit: number): Promise<readonly AuditEntry[]>;
  /** The last entry that was added. */
  head(): Promise<AuditHead>;
}

export interface ListAudit {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly subject?: string | undefined;
  readonly decision?: AuditEvent["decision"] | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  /** The `seq` of the last entry of the page before. */
  readonly before?: number | undefined;
  readonly limit: number;
}
