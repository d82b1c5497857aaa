import type { Principal } from "#domain/user/credential.ts";
import type { Scope } from "#domain/user/scope.ts";
import { hasRole, type UserRole } from "#domain/user/user.ts";
import { insufficientRole, insufficientScope, type Refusal } from "./replies.ts";

/**
 * What a route or a frame asks of whoever sends it. What a client says about itself counts for
 * nothing: scopes and role come from the credential's row and its user's.
 */
export type Access =
  /** Whoever comes. */
  | "anyone"
  /** Whoever has a valid credential, whatever its scopes. */
  | "signed-in"
  /** Whoever has the scope, or each of them. */
  | { readonly scope: Scope | readonly Scope[]; readonly role: UserRole };

/** Why `principal` may not do what asks for `access`. */
export function findMissing(
  access: Access,
  { user, scopes }: Principal,
): Refusal<"insufficient-role" | "insufficient-scope"> | undefined {
  if (access === "anyone" || access === "signed-in") return undefined;
  if (!hasRole(user, access.role)) return insufficientRole(access.role);
  const missing = scopesOf(access).find((scope) => !scopes.includes(scope));
  return missing && insufficientScope(missing);
}

export function scopesOf({ scope }: Extract<Access, object>): readonly Scope[] {
  return typeof scope === "string" ? [scope] : scope;
}
