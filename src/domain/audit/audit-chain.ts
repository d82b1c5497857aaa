import { canonicalJson } from "../shared/canonical-json.ts";
import type { JsonValue } from "../shared/json.ts";
import type { AuditEntry, AuditEvent, AuditHead, Sealed } from "./audit-log.ts";

/*
 * Each entry carries the hash of the one before it, so no entry can be changed, removed, put in or
 * moved without all later hashes changing. Another program can check it (docs/operations.md):
 *
 *   H(text)    = sha256 of the UTF-8 bytes of `text`, in lower-case hex
 *   JCS(value) = the canonical JSON of RFC 8785
 *   seal(x)    = H(JCS([x.salt, x.value])), for x in actor, subject, detail
 *   hash       = H(JCS({ action, actorHash, atMs, decision, detailHash, format: 1,
 *                        policyHash, prevHash, seq, subjectHash }))
 *
 * with `policyHash` null where no policy decided, `seq` 1, 2, 3, ... and the `prevHash` of entry 1
 * made of 64 zeros. Whatever concerns a person is under a seal of its own: erasing it removes value
 * and salt and keeps the seal's hash, so that the chain still verifies. The salt is random and goes
 * with the value: nobody can find an erased value again by hashing guesses.
 */

export const EMPTY_CHAIN: AuditHead = { seq: 0, hash: "0".repeat(64) };

/** sha256 of a text's UTF-8 bytes, in lower-case hex. */
export type HashText = (text: string) => string;

export interface ChainTools {
  readonly hash: HashText;
  /** Makes 128 random bits or more. */
  readonly newSalt: () => string;
}

const FORMAT = 1;
const MAX_NAME_CHARS = 200;
const MAX_DETAIL_CHARS = 8_192;

/** The entries that `events` become at the end of a chain. */
export function extendChain(
  head: AuditHead,
  events: readonly AuditEvent[],
  { hash, newSalt }: ChainTools,
): readonly AuditEntry[] {
  const entries: AuditEntry[] = [];
  let last = head;
  for (const event of events) {
    const entry = toEntry(event, last);
    entries.push(entry);
    last = entry;
  }
  return entries;

  function toEntry(event: AuditEvent, { seq, hash: prevHash }: AuditHead): AuditEntry {
    const { atMs, decision, policyHash } = event;
    const unsigned = {
      seq: seq + 1,
      atMs,
      action: toName(event.action),
      decision,
      policyHash: policyHash === undefined ? undefined : toName(policyHash),
      actor: seal(toName(event.actor)),
      subject: seal(toName(event.subject)),
      detail: seal(toDetail(event.detail)),
      prevHash,
    };
    return { ...unsigned, hash: hash(canonicalEntry(unsigned)) };
  }

  function seal<T extends JsonValue>(value: T): Sealed<T> {
    const salt = newSalt();
    return { kind: "kept", hash: hash(sealedText(salt, value)), salt, value };
  }
}

/** The text that an entry's hash is made of. */
function canonicalEntry(entry: Omit<AuditEntry, "hash">): string {
  const { seq, atMs, action, decision, policyHash = null, prevHash } = entry;
  return canonicalJson({
    format: FORMAT,
    seq,
    atMs,
    action,
    decision,
    policyHash,
    actorHash: entry.actor.hash,
    subjectHash: entry.subject.hash,
    detailHash: entry.detail.hash,
    prevHash,
  });
}

/** What is wrong with a chain. */
export type AuditFlaw =
  /** Another number was due: entries are missing, doubled or out of order. */
  | "number"
  /** It does not follow the entry before it. */
  | "link"
  /** It is not what was hashed. */
  | "entry"
  /** A value is not what was sealed. */
  | "actor"
  | "subject"
  | "detail"
  /** The chain ends before the entry that was known to be its last. */
  | "end"
  /** The entry that was known before is another one now. */
  | "head";

export type AuditVerdict =
  | {
      readonly kind: "intact";
      readonly entries: number;
      /** How many of them had something erased. */
      readonly erased: number;
      readonly head: AuditHead;
    }
  | { readonly kind: "broken"; readonly seq: number; readonly flaw: AuditFlaw };

export interface VerifyChain {
  readonly hash: HashText;
  /** What the first entry follows; the beginning unless given. */
  readonly start?: AuditHead;
  /**
   * An entry that the chain must have, kept elsewhere since then. Nothing else can tell that the
   * newest entries were cut off.
   */
  readonly expected?: AuditHead | undefined;
}

/** Checks entries, oldest first; stops at the first that is broken. */
export async function verifyChain(
  entries: AsyncIterable<AuditEntry> | Iterable<AuditEntry>,
  { hash, start = EMPTY_CHAIN, expected }: VerifyChain,
): Promise<AuditVerdict> {
  let head = start;
  let erased = 0;
  for await (const entry of entries) {
    const flaw = findFlaw(entry, head, hash) ?? (isOther(entry, expected) ? "head" : undefined);
    if (flaw !== undefined) return { kind: "broken", seq: entry.seq, flaw };
    if (isErased(entry)) erased += 1;
    head = { seq: entry.seq, hash: entry.hash };
  }
  if (expected !== undefined && expected.seq > head.seq) {
    return { kind: "broken", seq: head.seq + 1, flaw: "end" };
  }
  return { kind: "intact", entries: head.seq - start.seq, erased, head };
}

/** An entry of which only the hashes of what concerns people are left. */
export function eraseEntry(entry: AuditEntry): AuditEntry {
  const erase = ({ hash }: Sealed<JsonValue>) => ({ kind: "erased", hash }) as const;
  const { actor, subject, detail } = entry;
  return { ...entry, actor: erase(actor), subject: erase(subject), detail: erase(detail) };
}

/** Whether something of an entry was erased. */
export function isErased({ actor, subject, detail }: AuditEntry): boolean {
  return [actor, subject, detail].some(({ kind }) => kind === "erased");
}

function findFlaw(entry: AuditEntry, before: AuditHead, hash: HashText): AuditFlaw | undefined {
  if (entry.seq !== before.seq + 1) return "number";
  if (entry.prevHash !== before.hash) return "link";
  if (entry.hash !== hash(canonicalEntry(entry))) return "entry";
  const parts = ["actor", "subject", "detail"] as const;
  return parts.find((part) => !isSealed(entry[part], hash));
}

function isSealed(sealed: Sealed<JsonValue>, hash: HashText): boolean {
  return sealed.kind === "erased" || sealed.hash === hash(sealedText(sealed.salt, sealed.value));
}

function isOther({ seq, hash }: AuditEntry, expected: AuditHead | undefined): boolean {
  return expected?.seq === seq && expected.hash !== hash;
}

function sealedText(salt: string, value: JsonValue): string {
  return canonicalJson([salt, value]);
}

/** Text that every store takes: no control characters, no half of a surrogate pair, not endless. */
function toName(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, "\u{fffd}")
    .slice(0, MAX_NAME_CHARS)
    .toWellFormed();
}

/** What a canonical text can be made of, in every language; the names in it are our own. */
function toDetail(detail: JsonValue): JsonValue {
  const text = JSON.stringify(detail, (_name, value: unknown) =>
    typeof value === "string" ? value.toWellFormed() : value,
  );
  if (text.length > MAX_DETAIL_CHARS) return { omittedChars: text.length };
  return JSON.parse(text) as JsonValue;
}
