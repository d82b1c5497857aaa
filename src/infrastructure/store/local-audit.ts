import type { AuditEntry, AuditHead, ListAudit, Sealed } from "#domain/audit/audit-log.ts";
import { Fault } from "#domain/shared/fault.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import { toAuditLine } from "./audit-lines.ts";
import { type LocalStore, openLocalStore, type StoreAddress } from "./local-store.ts";
import { createAuditLog } from "./repositories.ts";
import {
  type FileVerdict,
  readAuditEntries,
  type VerifyAudit,
  verifyAudit,
  verifyAuditFile,
} from "./verify-audit.ts";

/* What commands do with the audit log, beside a server that may be running. */

/** An entry as it is shown; what was erased is `null`. */
export interface ShownEntry {
  readonly seq: number;
  readonly atMs: number;
  readonly actor: string | null;
  readonly action: string;
  readonly subject: string | null;
  readonly decision: string;
  readonly policyHash: string | null;
  readonly detail: JsonValue;
}

export function listLocalAudit(
  address: StoreAddress,
  query: ListAudit,
): Promise<readonly ShownEntry[]> {
  return withStore(address, async ({ reader }) =>
    (await reader.call("listAudit", query)).map(toShown),
  );
}

/** Checks the log of the store, or a file where one is named. */
export function verifyLocalAudit(
  address: StoreAddress,
  { file, ...options }: VerifyAudit & { readonly file: string | undefined },
): Promise<FileVerdict> {
  if (file !== undefined) return verifyAuditFile(file, options);
  return withStore(address, async (store) => {
    const { start, expected } = options;
    const head = await store.reader.call("findAuditHead");
    const verdict = await verifyAudit(readEntries(store, start?.seq ?? 0), { start, expected });
    // The store's own note of the last entry tells of a tail that was cut off carelessly.
    if (verdict.kind === "intact" && verdict.head.seq < head.seq) {
      return { kind: "broken", seq: verdict.head.seq + 1, flaw: "end" };
    }
    return verdict;
  });
}

/** The lines of an export, from after `seq`, each with the head that it makes. */
export async function* exportLocalAudit(
  address: StoreAddress,
  seq: number,
): AsyncGenerator<{ readonly line: string; readonly head: AuditHead }> {
  const store = await openOrThrow(address);
  try {
    for await (const entry of readEntries(store, seq)) {
      yield { line: toAuditLine(entry), head: { seq: entry.seq, hash: entry.hash } };
    }
  } finally {
    await store[Symbol.asyncDispose]();
  }
}

function readEntries({ reader, writer }: LocalStore, after: number): AsyncGenerator<AuditEntry> {
  return readAuditEntries(createAuditLog(reader, writer), after);
}

async function withStore<T>(
  address: StoreAddress,
  work: (store: LocalStore) => Promise<T>,
): Promise<T> {
  const store = await openOrThrow(address);
  try {
    return await work(store);
  } finally {
    await store[Symbol.asyncDispose]();
  }
}

async function openOrThrow(address: StoreAddress): Promise<LocalStore> {
  const store = await openLocalStore(address);
  if (store !== undefined) return store;
  throw new Fault("STORE_UNAVAILABLE", "Cannot read the audit log: there is no database yet");
}

function toShown(entry: AuditEntry): ShownEntry {
  const { seq, atMs, action, decision, policyHash = null } = entry;
  return {
    seq,
    atMs,
    actor: valueOf(entry.actor),
    action,
    subject: valueOf(entry.subject),
    decision,
    policyHash,
    detail: valueOf(entry.detail),
  };
}

function valueOf<T extends JsonValue>(sealed: Sealed<T>): T | null {
  return sealed.kind === "kept" ? sealed.value : null;
}
