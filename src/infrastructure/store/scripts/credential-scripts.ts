import { type CredentialId, parseCredentialId } from "#domain/shared/id.ts";
import type { Credential, Principal } from "#domain/user/credential.ts";
import type {
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
import { all, get, run, type Script } from "../script.ts";

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

export function* addCredential(credential: NewCredential): Script<void> {
  const { id, hash, kind, userId, label, scopes, parentId, createdAtMs, expiresAtMs } = credential;
  yield* run(queries.deleteExpiredCredentials, { nowMs: createdAtMs });
  if ((yield* get(queries.shareUser, { userId })) === undefined) return;
  if (parentId !== undefined) {
    if ((yield* get(queries.shareCredential, { id: parentId })) === undefined) return;
  }
  yield* run(queries.insertCredential, {
    id,
    hash,
    kind,
    userId,
    label,
    scopes: formatScopes(scopes),
    parentId: parentId ?? null,
    createdAtMs,
    expiresAtMs: expiresAtMs ?? null,
  });
}

export function* removeByHash({ hash, kind }: RemoveByHash): Script<CredentialId[]> {
  const row = yield* get(queries.lockCredentialByHash, { hash });
  return row?.kind === kind ? yield* remove(row.credential_id) : [];
}

export function* removeToken({ userId, credentialId: id }: RemoveToken): Script<CredentialId[]> {
  const row = yield* get(queries.lockCredential, { id });
  return row?.user_id === userId ? yield* remove(id) : [];
}

export function* replaceToken({ id, label, userId, hash, nowMs }: ReplaceToken): Script<void> {
  for (const row of yield* all(queries.listTokensLabelled, { userId, label })) {
    if (row.hash !== hash) yield* removeByHash({ hash: row.hash, kind: "token" });
  }
  if (hash === undefined) return;
  const token = { id, hash, kind: "token", userId, label, createdAtMs: nowMs } as const;
  yield* addCredential({ ...token, scopes: "all" });
}

export function* touchCredentials({ credentialIds, nowMs }: TouchCredentials): Script<void> {
  const idsJson = JSON.stringify(credentialIds);
  yield* run(queries.touchCredentials, { idsJson, nowMs, staleMs: nowMs - LAST_USED_GRAIN_MS });
}

/** What was opened by it meanwhile is seen: whoever opens something shares the lock on it. */
function* remove(id: string): Script<CredentialId[]> {
  const rows = yield* all(queries.deleteCredential, { id });
  return rows.map(({ credential_id: gone }) => parseCredentialId(gone)).toSorted();
}
