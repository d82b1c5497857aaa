import type { UserId } from "../shared/id.ts";
import type { User } from "./user.ts";

/** Users and the hashes of what they sign in with; secrets themselves are never stored. */
export interface UserRepository {
  find(userId: UserId): Promise<User | undefined>;
  /** The user whom a credential that has not expired belongs to. */
  findByCredential(input: FindByCredential): Promise<User | undefined>;
  /** Whether any token is on record. */
  hasToken(): Promise<boolean>;
  addUser(user: User): Promise<void>;
  /** Adding the same credential again changes nothing. */
  addCredential(credential: Credential): Promise<void>;
  removeCredential(hash: string): Promise<void>;
  /** Makes `hash` the only token of that label, or leaves none where there is no hash. */
  replaceToken(input: ReplaceToken): Promise<void>;
}

export interface ReplaceToken {
  readonly label: string;
  readonly userId: UserId;
  readonly hash: string | undefined;
  readonly nowMs: number;
}

export interface FindByCredential {
  readonly hash: string;
  readonly kind: Credential["kind"];
  readonly nowMs: number;
}

export interface Credential {
  /** sha256 of the secret, hex. */
  readonly hash: string;
  readonly kind: "token" | "browser";
  readonly userId: UserId;
  readonly label: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | undefined;
}
