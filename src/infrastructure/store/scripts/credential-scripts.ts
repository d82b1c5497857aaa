import type { AuditEvent } from "#domain/audit/audit-log.ts";
import { type CredentialId, parseCredentialId } from "#domain/shared/id.ts";
import type { Credential, Principal } from "#domain/user/credential.ts";
import type {
  AddCredentialResult,
  FindPrincipal,
  ListCredentials,
  ListPrincipals,
  NewCredential,
  RemoveByHash,
  RemoveToken,
  ReplaceToken,
  TouchCredentials,
} from "#domain/user/credential-repository.ts";
import { formatScopes } from "#domain/user/scope.ts";
import { queries } from "../load-queries.ts";
import { credentialFromRow, principalFromRow } from "../rows.ts";
import type { Schema } from "../schema.ts";
import { all, get, run, type Script } from "../script.ts";
import { appendAudit } from "./audit-scripts.ts";

/** `lastUsedAtMs` is good enough when it is this near. */
const LAST_USED_GRAIN_MS = 600_000;

export function* findPrincipal(input: FindPrincipal): Script<Principal | undefined> {
  const row = yield* get(queries.findPrincipal, { ...input });
  return row && principalFromRow(row);
}

export function* listPrincipals({ credentialIds, nowMs }: ListPrincipals): Script<Principal[]> {
  const idsJson = JSON.stringify([...new Set(credentialIds)]);
  return (yield* all(queries.listPrincipals, { idsJson, nowMs })).map(principalFromRow);
}

export function* listCredentials({
  userId,
  limit,
  after = "" as CredentialId,
}: ListCredentials): Script<Credential[]> {
  const rows = yield* all(queries.listCredentials, { userId, limit, after });
  return rows.map(credentialFromRow);
}

export function* hasToken(): Script<boolean> {
  return (yield* get(queries.findAnyToken)) !== undefined;
}

export function* addCredential(
  credential: NewCredential,
  event?: AuditEvent,
): Script<AddCredentialResult> {
  const { id, hash, kind, userId, label, scopes, parentId, linkHash, createdAtMs } = credential;
  yield* run(queries.deleteExpiredCredentials, { nowMs: createdAtMs });
  if ((yield* get(queries.shareUser, { userId })) === undefined) return { kind: "user-gone" };
  const parent = parentId === undefined ? undefined : yield* shareParent(parentId);
  if (parentId !== undefined && parent === undefined) return { kind: "parent-gone" };
  if (linkHash !== undefined) {
    const used = yield* removeByHash({ hash: linkHash, kind: "link" });
    if (used.length === 0) return { kind: "parent-gone" };
  }
  const expiresAtMs = earlier(credential.expiresAtMs, parent?.expires_at_ms ?? undefined);
  const added = yield* run(queries.insertCredential, {
    id,
    hash,
    kind,
    userId,
    label,
    scopes: formatScopes(scopes),
    parentId: parent?.credential_id ?? null,
    createdAtMs,
    expiresAtMs: expiresAtMs ?? null,
  });
  if (added > 0 && event !== undefined) yield* appendAudit([event]);
  return { kind: "added", expiresAtMs };
}

/**
 * What stands for the one named, if both are there and stay so. The upper one is locked first, as
 * by whoever revokes.
 */
function* shareParent(id: CredentialId): Script<Schema["credential"] | undefined> {
  const named = yield* get(queries.findCredential, { id });
  if (named?.kind !== "browser" || named.parent_id === null) {
    return yield* get(queries.shareCredential, { id });
  }
  const token = yield* get(queries.shareCredential, { id: named.parent_id });
  const browser = yield* get(queries.shareCredential, { id });
  return browser && token;
}

export function* removeByHash({ hash, kind }: RemoveByHash): Script<CredentialId[]> {
  const row = yield* get(queries.lockCredentialByHash, { hash });
  return row?.kind === kind ? yield* removeCredential(row.credential_id) : [];
}

export function* removeToken({ userId, credentialId: id }: RemoveToken): Script<CredentialId[]> {
  const row = yield* get(queries.lockCredential, { id });
  return row?.user_id === userId ? yield* removeCredential(id) : [];
}

export function* replaceToken(
  { id, label, userId, hash, nowMs }: ReplaceToken,
  event?: AuditEvent,
): Script<void> {
  for (const row of yield* all(queries.listTokensLabelled, { userId, label })) {
    if (row.hash !== hash) yield* removeByHash({ hash: row.hash, kind: "token" });
  }
  if (hash === undefined) return;
  const token = { id, hash, kind: "token", userId, label, createdAtMs: nowMs } as const;
  yield* addCredential({ ...token, scopes: "all" }, event);
}

export function* touchCredentials({ credentialIds, nowMs }: TouchCredentials): Script<void> {
  const idsJson = JSON.stringify(credentialIds);
  yield* run(queries.touchCredentials, { idsJson, nowMs, staleMs: nowMs - LAST_USED_GRAIN_MS });
}

/** Left out: never. */
function earlier(aMs: number | undefined, bMs: number | undefined): number | undefined {
  return aMs !== undefined && bMs !== undefined ? Math.min(aMs, bMs) : (aMs ?? bMs);
}

/**
 * Removes a credential with all that came of it, at any remove. What is made meanwhile is seen:
 * whoever makes something shares the lock on what it is made by.
 */
export function* removeCredential(id: string): Script<CredentialId[]> {
  const gone = new Set([id]);
  // Goes on to what is added on the way.
  for (const each of gone) {
    const rows = yield* all(queries.deleteCredential, { id: each });
    for (const row of rows) gone.add(row.credential_id);
  }
  return [...gone].map(parseCredentialId).toSorted();
}
