import type { AuditEvent } from "../audit/audit-log.ts";
import type { CredentialId, UserId } from "../shared/id.ts";
import type { Credential, Principal } from "./credential.ts";
import type { Scope } from "./scope.ts";

/**
 * The hashes of what people sign in with; secrets themselves are never stored. All reject with
 * `Fault` `STORE_UNAVAILABLE` where the store cannot be used.
 */
export interface CredentialRepository {
  /** Who signs in by this, where it has not expired. */
  findPrincipal(input: FindPrincipal): Promise<Principal | undefined>;
  /** Of these credentials the ones that are still good, each once. */
  listPrincipals(input: ListPrincipals): Promise<readonly Principal[]>;
  /** The user's credentials in the order of their ids: at most `limit` after the one named. */
  list(input: ListCredentials): Promise<readonly Credential[]>;
  /** Whether any token is on record. */
  hasToken(): Promise<boolean>;
  /**
   * Adding the same credential again changes nothing, nor does one whose user or parent is gone.
   * Where it is added `event` is recorded with it.
   */
  add(credential: NewCredential, event?: AuditEvent): Promise<AddCredentialResult>;
  /** Removes one of this kind and all that came of it; gives the ids of all of them. */
  removeByHash(input: RemoveByHash): Promise<readonly CredentialId[]>;
  /** The same for a credential of one user, by its id; none where the user has no such one. */
  removeToken(input: RemoveToken): Promise<readonly CredentialId[]>;
  /**
   * Makes `hash` the user's only token of that label, or leaves none where there is no hash. Where
   * it was not there already `event` is recorded with it.
   */
  replaceToken(input: ReplaceToken, event?: AuditEvent): Promise<void>;
  /** Notes that these were used. */
  touch(input: TouchCredentials): Promise<void>;
}

export interface FindPrincipal {
  readonly hash: string;
  readonly kind: Credential["kind"];
  readonly nowMs: number;
}

export interface ListPrincipals {
  readonly credentialIds: readonly CredentialId[];
  readonly nowMs: number;
}

export interface ListCredentials {
  readonly userId: UserId;
  readonly limit: number;
  /** The last one of the page before. */
  readonly after?: CredentialId | undefined;
}

export interface NewCredential {
  readonly id: CredentialId;
  /** sha256 of the secret, hex. */
  readonly hash: string;
  readonly kind: Credential["kind"];
  readonly userId: UserId;
  readonly label: string;
  readonly scopes: readonly Scope[] | "all";
  /**
   * What it was made by: with that one it goes, and it lasts no longer. For a browser session
   * stands the token that opened it.
   */
  readonly parentId?: CredentialId | undefined;
  /** Of the login link that is used up by it; one that is gone counts as a parent that is. */
  readonly linkHash?: string | undefined;
  readonly createdAtMs: number;
  readonly expiresAtMs?: number | undefined;
}

export type AddCredentialResult =
  | { readonly kind: "added"; readonly expiresAtMs: number | undefined }
  | { readonly kind: "user-gone" | "parent-gone" };

export interface RemoveByHash {
  readonly hash: string;
  readonly kind: Credential["kind"];
}

export interface RemoveToken {
  readonly userId: UserId;
  readonly credentialId: CredentialId;
}

export interface ReplaceToken {
  readonly id: CredentialId;
  readonly label: string;
  readonly userId: UserId;
  readonly hash: string | undefined;
  readonly nowMs: number;
}

export interface TouchCredentials {
  readonly credentialIds: readonly CredentialId[];
  readonly nowMs: number;
}
