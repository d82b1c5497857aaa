import type { AuditEvent } from "#domain/audit/audit-log.ts";
import type { CredentialId, UserId } from "#domain/shared/id.ts";
import type { Credential, Principal } from "#domain/user/credential.ts";
import { isExpired } from "#domain/user/credential.ts";
import type { CredentialRepository } from "#domain/user/credential-repository.ts";
import { formatScopes, parseScopes } from "#domain/user/scope.ts";
import { changeUser, isLastAdmin, type User } from "#domain/user/user.ts";
import type { UserRepository } from "#domain/user/user-repository.ts";

interface StoredCredential extends Credential {
  readonly hash: string;
  readonly parentId: CredentialId | undefined;
}

const LAST_USED_GRAIN_MS = 600_000;

/** Users and credentials in plain memory; what is to be recorded goes to `audited`. */
export function openMemoryUsers() {
  const audited: AuditEvent[] = [];
  const record = (event: AuditEvent | undefined) => {
    if (event !== undefined) audited.push(event);
  };
  const refuse = (event: AuditEvent | undefined) => {
    record(event && { ...event, decision: "denied" });
    return { kind: "last-admin" } as const;
  };
  const users = new Map<UserId, User>();
  const credentials = new Map<CredentialId, StoredCredential>();

  const admins = () => [...users.values()].filter(({ role }) => role === "admin").length;
  const byHash = (hash: string) => [...credentials.values()].find((each) => each.hash === hash);
  const toPrincipal = (credential: StoredCredential, nowMs: number): readonly Principal[] => {
    const user = users.get(credential.userId);
    if (user === undefined || isExpired(credential, nowMs)) return [];
    const { id: credentialId, scopes, expiresAtMs } = credential;
    return [{ user, credentialId, scopes, expiresAtMs }];
  };
  const removeWhere = (isGone: (each: StoredCredential) => boolean) => {
    const all = [...credentials.values()];
    const gone = new Set(all.filter(isGone).map(({ id }) => id));
    for (const each of gone) {
      for (const { id, parentId } of all) if (parentId === each) gone.add(id);
      credentials.delete(each);
    }
    return [...gone].toSorted();
  };

  const userRepository: UserRepository = {
    find: async (userId) => users.get(userId),
    list: async ({ limit, after }) =>
      [...users.values()]
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .filter(({ id }) => after === undefined || id > after)
        .slice(0, limit),
    async add(user) {
      if (!users.has(user.id)) users.set(user.id, user);
    },
    async change({ userId, ...change }, event) {
      const user = users.get(userId);
      if (user === undefined) return { kind: "not-found" };
      const changed = changeUser(user, change, admins());
      if (changed === "last-admin") return refuse(event);
      record(event);
      users.set(userId, changed);
      return { kind: "changed", user: changed };
    },
    async remove(userId, event) {
      const user = users.get(userId);
      if (user === undefined) return { kind: "not-found" };
      if (isLastAdmin(user, admins())) return refuse(event);
      record(event);
      users.delete(userId);
      const credentialIds = removeWhere((each) => each.userId === userId);
      return { kind: "removed", credentialIds };
    },
  };

  const credentialRepository: CredentialRepository = {
    async findPrincipal({ hash, kind, nowMs }) {
      const found = byHash(hash);
      return found?.kind === kind ? toPrincipal(found, nowMs)[0] : undefined;
    },
    listPrincipals: async ({ credentialIds, nowMs }) =>
      [...new Set(credentialIds)].flatMap((id) => {
        const found = credentials.get(id);
        return found === undefined ? [] : toPrincipal(found, nowMs);
      }),
    list: async ({ userId, limit, after }) =>
      [...credentials.values()]
        .filter((each) => each.userId === userId && (after === undefined || each.id > after))
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit)
        .map(({ hash: _hash, parentId: _parentId, ...credential }) => credential),
    hasToken: async () => [...credentials.values()].some(({ kind }) => kind === "token"),
    async add({ scopes, parentId, linkHash, expiresAtMs: wantedMs, ...credential }, event) {
      for (const each of credentials.values()) {
        if (isExpired(each, credential.createdAtMs)) credentials.delete(each.id);
      }
      if (!users.has(credential.userId)) return { kind: "user-gone" };
      const named = parentId === undefined ? undefined : credentials.get(parentId);
      const tokenId = named?.kind === "browser" ? named.parentId : undefined;
      const parent = tokenId === undefined ? named : credentials.get(tokenId);
      if (parentId !== undefined && parent === undefined) return { kind: "parent-gone" };
      if (linkHash !== undefined) {
        const used = removeWhere(({ hash, kind }) => hash === linkHash && kind === "link");
        if (used.length === 0) return { kind: "parent-gone" };
      }
      const endsMs = [wantedMs, parent?.expiresAtMs].filter((each) => each !== undefined);
      const expiresAtMs = endsMs.length === 0 ? undefined : Math.min(...endsMs);
      if (byHash(credential.hash) !== undefined) return { kind: "added", expiresAtMs };
      credentials.set(credential.id, {
        ...credential,
        scopes: parseScopes(formatScopes(scopes)),
        parentId: parent?.id,
        expiresAtMs,
        lastUsedAtMs: undefined,
      });
      record(event);
      return { kind: "added", expiresAtMs };
    },
    removeByHash: async ({ hash, kind }) =>
      removeWhere((each) => each.hash === hash && each.kind === kind),
    removeToken: async ({ userId, credentialId }) =>
      removeWhere((each) => each.userId === userId && each.id === credentialId),
    async replaceToken({ id, label, userId, hash, nowMs }, event) {
      const isOld = (each: StoredCredential) =>
        each.userId === userId && each.label === label && each.kind === "token";
      removeWhere((each) => isOld(each) && each.hash !== hash);
      if (hash === undefined || byHash(hash) !== undefined) return;
      const credential = { id, kind: "token", label, userId, hash, createdAtMs: nowMs } as const;
      await credentialRepository.add({ ...credential, scopes: "all" }, event);
    },
    async touch({ credentialIds, nowMs }) {
      for (const id of credentialIds) {
        const found = credentials.get(id);
        if (found === undefined) continue;
        const { lastUsedAtMs } = found;
        const isFresh = lastUsedAtMs !== undefined && nowMs - lastUsedAtMs < LAST_USED_GRAIN_MS;
        if (!isFresh) credentials.set(id, { ...found, lastUsedAtMs: nowMs });
      }
    },
  };
  return { users: userRepository, credentials: credentialRepository, audited };
}
