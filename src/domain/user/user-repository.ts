import type { AuditEvent } from "../audit/audit-log.ts";
import type { CredentialId, UserId } from "../shared/id.ts";
import type { User, UserChange } from "./user.ts";

/** All reject with `Fault` `STORE_UNAVAILABLE` where the store cannot be used. */
export interface UserRepository {
  find(userId: UserId): Promise<User | undefined>;
  /** In the order of their ids: at most `limit` after the one named. */
  list(input: ListUsers): Promise<readonly User[]>;
  /** Adding the same user again changes nothing. */
  add(user: User): Promise<void>;
  /** Whether it is done or refused, `event` is recorded with it, as what came of it. */
  change(input: ChangeUser, event?: AuditEvent): Promise<ChangeUserResult>;
  /** Removes the user and all that belongs to them, in every table; recorded in the same way. */
  remove(userId: UserId, event?: AuditEvent): Promise<RemoveUserResult>;
}

export interface ChangeUser extends UserChange {
  readonly userId: UserId;
}

export interface ListUsers {
  readonly limit: number;
  /** The last one of the page before. */
  readonly after?: UserId | undefined;
}

export type ChangeUserResult =
  | { readonly kind: "changed"; readonly user: User }
  | { readonly kind: "not-found" | "last-admin" };

export type RemoveUserResult =
  | { readonly kind: "removed"; readonly credentialIds: readonly CredentialId[] }
  | { readonly kind: "not-found" | "last-admin" };
