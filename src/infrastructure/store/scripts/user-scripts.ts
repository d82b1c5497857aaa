import type { UserId } from "#domain/shared/id.ts";
import type { User } from "#domain/user/user.ts";
import type { Credential, FindByCredential, ReplaceToken } from "#domain/user/user-repository.ts";
import { queries } from "../load-queries.ts";
import { userFromRow } from "../rows.ts";
import { get, run, type Script } from "../script.ts";

export function* findUser(userId: UserId): Script<User | undefined> {
  const row = yield* get(queries.findUser, { userId });
  return row && userFromRow(row);
}

export function* findByCredential(input: FindByCredential): Script<User | undefined> {
  const row = yield* get(queries.findUserByCredential, { ...input });
  return row && userFromRow(row);
}

export function* hasToken(): Script<boolean> {
  return (yield* get(queries.findAnyToken)) !== undefined;
}

export function* addUser({ id: userId, name, role, createdAtMs }: User): Script<void> {
  yield* run(queries.insertUser, { userId, name, role, createdAtMs });
}

export function* addCredential(credential: Credential): Script<void> {
  yield* run(queries.deleteExpiredCredentials, { nowMs: credential.createdAtMs });
  yield* run(queries.insertCredential, {
    ...credential,
    expiresAtMs: credential.expiresAtMs ?? null,
  });
}

export function* removeCredential(hash: string): Script<void> {
  yield* run(queries.deleteCredential, { hash });
}

export function* replaceToken({ label, userId, hash, nowMs }: ReplaceToken): Script<void> {
  yield* run(queries.deleteTokensLabelled, { label });
  if (hash === undefined) return;
  const token = { hash, kind: "token", userId, label } as const;
  yield* addCredential({ ...token, createdAtMs: nowMs, expiresAtMs: undefined });
}
