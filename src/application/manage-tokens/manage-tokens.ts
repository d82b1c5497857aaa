import type { AuditEvent } from "#domain/audit/audit-log.ts";
import { type CredentialId, parseCredentialId, type UserId } from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { Credential } from "#domain/user/credential.ts";
import { grantScopes } from "#domain/user/credential.ts";
import type { CredentialRepository, ListCredentials } from "#domain/user/credential-repository.ts";
import type { Scope } from "#domain/user/scope.ts";
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
  readonly actor: TokenMaker;
  readonly userId: UserId;
  readonly label: string;
  /** Left out: all that the actor has. */
  readonly scopes?: readonly Scope[] | undefined;
  /** Left out: it expires with what it was made by, if ever. */
  readonly expiresAtMs?: number | undefined;
}

export interface TokenMaker {
  readonly id: UserId | "system";
  readonly scopes: readonly Scope[];
  /** What they came in by: the token ends with it, and lasts no longer. */
  readonly credentialId?: CredentialId;
}

export type CreateTokenResult =
  /** The secret is shown this once. */
  | { readonly kind: "created"; readonly secret: string; readonly credential: Credential }
  | { readonly kind: "beyond-own"; readonly scope: Scope }
  | { readonly kind: "not-found" }
  /** What the actor came in by was revoked, or expired, meanwhile. */
  | { readonly kind: "maker-gone" };

export interface RevokeToken {
  readonly actor: UserId | "system";
  readonly userId: UserId;
  readonly credentialId: CredentialId;
}

export interface ManageTokensDeps {
  readonly credentials: Pick<CredentialRepository, "add" | "list" | "removeToken">;
  /** Of what was revoked; what is made is recorded as it is stored. */
  readonly audit: (event: AuditEvent) => Promise<void>;
  readonly credentialsRevoked: CredentialsRevoked;
  readonly hash: (secret: string) => string;
  /** A new secret of at least 256 bits, URL-safe. */
  readonly newSecret: () => string;
  readonly newId: NewId;
  readonly nowMs: NowMs;
}

export function createManageTokens(deps: ManageTokensDeps): ManageTokens {
  const { credentials, audit, credentialsRevoked, hash, newSecret, newId, nowMs } = deps;

  return {
    listTokens: (input) => credentials.list(input),

    async createToken({ actor, userId, label, scopes: wanted, expiresAtMs }) {
      const grant = grantScopes(actor.scopes, wanted);
      if (grant.kind === "beyond-own") return grant;
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
      const { id: by, credentialId: parentId } = actor;
      const origin = parentId === undefined ? {} : { byCredentialId: parentId };
      const detail = { tokenId: credential.id, scopes: grant.scopes, ...origin };
      const event = toEvent("token.created", { actor: by, userId }, detail);
      const result = await credentials.add({ ...credential, parentId, hash: hash(secret) }, event);
      if (result.kind !== "added") {
        return { kind: result.kind === "user-gone" ? "not-found" : "maker-gone" };
      }
      const { expiresAtMs: endMs } = result;
      return { kind: "created", secret, credential: { ...credential, expiresAtMs: endMs } };
    },

    async revokeToken({ actor, userId, credentialId }) {
      const removed = await credentials.removeToken({ userId, credentialId });
      if (removed.length === 0) return "not-found";
      // Nothing comes between taking a right away and its end: that is put on record afterwards.
      credentialsRevoked(removed);
      await audit(toEvent("token.revoked", { actor, userId }, { tokenId: credentialId }));
      return "revoked";
    },
  };

  function toEvent(
    action: string,
    { actor, userId }: Pick<RevokeToken, "actor" | "userId">,
    detail: JsonValue,
  ): AuditEvent {
    const subject = `user:${userId}`;
    return { atMs: nowMs(), actor, action, subject, decision: "allowed", detail };
  }
}
