import type { AuditEvent } from "#domain/audit/audit-log.ts";
import { type CredentialId, parseCredentialId, type UserId } from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { Credential } from "#domain/user/credential.ts";
import { grantScopes } from "#domain/user/credential.ts";
import type { CredentialRepository, ListCredentials } from "#domain/user/credential-repository.ts";
import type { Scope } from "#domain/user/scope.ts";
import type { UserRepository } from "#domain/user/user-repository.ts";
import type { NewId, NowMs } from "../ports/clock.ts";
import type { CredentialsRevoked } from "../ports/credentials-revoked.ts";

/** What people do with their tokens, and administrators with everybody's. */
export interface ManageTokens {
  listTokens(input: ListCredentials): Promise<readonly Credential[]>;
  createToken(input: CreateToken): Promise<CreateTokenResult>;
  revokeToken(input: RevokeToken): Promise<"revoked" | "not-found">;
}

export interface CreateToken {
  /** Who makes it, and what that one may hand on at most. */
  readonly actor: { readonly id: UserId | "system"; readonly scopes: readonly Scope[] };
  readonly userId: UserId;
  readonly label: string;
  /** Left out: all that the actor has. */
  readonly scopes?: readonly Scope[] | undefined;
  /** Left out: it does not expire. */
  readonly expiresAtMs?: number | undefined;
}

export type CreateTokenResult =
  /** The secret is shown this once. */
  | { readonly kind: "created"; readonly secret: string; readonly credential: Credential }
  | { readonly kind: "beyond-own"; readonly scope: Scope }
  | { readonly kind: "not-found" };

export interface RevokeToken {
  readonly actor: UserId | "system";
  readonly userId: UserId;
  readonly credentialId: CredentialId;
}

export interface ManageTokensDeps {
  readonly users: Pick<UserRepository, "find">;
  readonly credentials: Pick<CredentialRepository, "add" | "list" | "removeToken">;
  /** No token comes to be unrecorded. */
  readonly audit: (event: AuditEvent) => Promise<void>;
  readonly credentialsRevoked: CredentialsRevoked;
  readonly hash: (secret: string) => string;
  /** A new secret of at least 256 bits, URL-safe. */
  readonly newSecret: () => string;
  readonly newId: NewId;
  readonly nowMs: NowMs;
}

export function createManageTokens(deps: ManageTokensDeps): ManageTokens {
  const { users, credentials, audit, credentialsRevoked, hash, newSecret, newId, nowMs } = deps;

  return {
    listTokens: (input) => credentials.list(input),

    async createToken({ actor, userId, label, scopes: wanted, expiresAtMs }) {
      const grant = grantScopes(actor.scopes, wanted);
      if (grant.kind === "beyond-own") return grant;
      if ((await users.find(userId)) === undefined) return { kind: "not-found" };
      const secret = newSecret();
      const credential: Credential = {
        id: parseCredentialId(newId()),
        kind: "token",
        userId,
        label,
        scopes: grant.scopes,
        createdAtMs: nowMs(),
        expiresAtMs,
        lastUsedAtMs: undefined,
      };
      const about = { tokenId: credential.id, scopes: grant.scopes };
      await note("token.created", { actor: actor.id, userId }, about);
      await credentials.add({ ...credential, hash: hash(secret) });
      return { kind: "created", secret, credential };
    },

    async revokeToken({ actor, userId, credentialId }) {
      const removed = await credentials.removeToken({ userId, credentialId });
      if (removed.length === 0) return "not-found";
      // Nothing comes between taking a right away and its end: that is put on record afterwards.
      credentialsRevoked(removed);
      await note("token.revoked", { actor, userId }, { tokenId: credentialId });
      return "revoked";
    },
  };

  function note(
    action: string,
    { actor, userId }: Pick<RevokeToken, "actor" | "userId">,
    detail: JsonValue,
  ): Promise<void> {
    const subject = `user:${userId}`;
    return audit({ atMs: nowMs(), actor, action, subject, decision: "allowed", detail });
  }
}
