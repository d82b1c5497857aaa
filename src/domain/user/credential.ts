import type { AuditEvent } from "../audit/audit-log.ts";
import type { CredentialId, UserId } from "../shared/id.ts";
import type { Scope } from "./scope.ts";
import type { User } from "./user.ts";

/**
 * What somebody signs in with: a token, a link that lets a browser in and no more, or the session
 * of a browser. Valid from the first moment, then expired, or revoked, which removes it.
 */
export interface Credential {
  readonly id: CredentialId;
  readonly kind: "browser" | "link" | "token";
  readonly userId: UserId;
  readonly label: string;
  readonly scopes: readonly Scope[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number | undefined;
  /** Up to ten minutes behind. */
  readonly lastUsedAtMs: number | undefined;
}

/** Who somebody is and what the credential they showed lets them do. */
export interface Principal {
  readonly user: User;
  readonly credentialId: CredentialId;
  readonly scopes: readonly Scope[];
  readonly expiresAtMs: number | undefined;
}

export function isExpired(
  { expiresAtMs }: Pick<Credential, "expiresAtMs">,
  nowMs: number,
): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= nowMs;
}

/** The scopes of a new credential that is made by one with `own`: never more than those. */
export function grantScopes(
  own: readonly Scope[],
  wanted: readonly Scope[] | undefined,
):
  | { readonly kind: "granted"; readonly scopes: readonly Scope[] }
  | { readonly kind: "beyond-own"; readonly scope: Scope } {
  const beyond = wanted?.find((scope) => !own.includes(scope));
  if (beyond !== undefined) return { kind: "beyond-own", scope: beyond };
  return { kind: "granted", scopes: wanted ?? own };
}

/** What is recorded of one that is made for a user by nobody who signed in. */
export function systemCreated(
  { id, kind, userId }: Pick<Credential, "id" | "kind" | "userId">,
  atMs: number,
): AuditEvent {
  const facts = { actor: "system", action: "token.created", subject: `user:${userId}` };
  return { ...facts, atMs, decision: "allowed", detail: { tokenId: id, kind } };
}
