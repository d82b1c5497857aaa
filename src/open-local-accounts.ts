import { createManageTokens } from "#application/manage-tokens/manage-tokens.ts";
import { createManageUsers } from "#application/manage-users/manage-users.ts";
import type { AuditEvent } from "#domain/audit/audit-log.ts";
import { parseCredentialId, parseUserId, type UserId } from "#domain/shared/id.ts";
import { SCOPES } from "#domain/user/scope.ts";
import { ROLES } from "#domain/user/user.ts";
import { hashSecret, newId, newSecret } from "#infrastructure/ids/ids.ts";
import type { LocalStore } from "#infrastructure/store/local-store.ts";
import {
  createCredentialRepository,
  createUserRepository,
} from "#infrastructure/store/repositories.ts";
import type { Accounts } from "#presentation/cmd/accounts.ts";
import { CommandError } from "#presentation/cmd/command-error.ts";

const ACTOR = { id: "system", scopes: SCOPES } as const;
/** A listing on a terminal shows no more. */
const LISTED_MOST = 10_000;

/**
 * Users and tokens on the store itself: for who holds the data directory or the database. A server
 * that runs on it finds out within a second. Closes `store` when it is disposed of.
 */
export function openLocalAccounts(store: LocalStore): Accounts {
  const nowMs = () => Date.now();
  const users = createUserRepository(store.reader, store.writer);
  const credentials = createCredentialRepository(store.reader, store.writer);
  const nothing = () => undefined;
  const deps = {
    users,
    credentials,
    audit: (event: AuditEvent) => store.writer.call("appendAudit", [event]),
    credentialsRevoked: nothing,
    stopTurnsOf: nothing,
    hash: hashSecret,
    newSecret,
    newId,
    nowMs,
  };
  const manageUsers = createManageUsers(deps);
  const manageTokens = createManageTokens(deps);
  return {
    listUsers: () => manageUsers.listUsers({ limit: LISTED_MOST }),
    addUser: ({ name, role }) =>
      manageUsers.createUser({ actor: ACTOR.id, name, role: pick(ROLES, role) }),
    async changeRole(userId, role) {
      const change = { actor: ACTOR.id, userId: toUserId(userId), role: pick(ROLES, role) };
      const result = await manageUsers.changeUser(change);
      if (result.kind !== "changed") throw refusal(result.kind);
      return result.user;
    },
    async removeUser(userId) {
      const result = await manageUsers.removeUser({ actor: ACTOR.id, userId: toUserId(userId) });
      if (result !== "removed") throw refusal(result);
    },
    listTokens: (userId) =>
      manageTokens.listTokens({ userId: toUserId(userId), limit: LISTED_MOST }),
    async addToken(userId, { label, scopes, expiresAtMs }) {
      const result = await manageTokens.createToken({
        actor: ACTOR,
        userId: toUserId(userId),
        label,
        scopes: scopes?.map((scope) => pick(SCOPES, scope)),
        expiresAtMs,
      });
      if (result.kind === "created") return { ...result.credential, secret: result.secret };
      throw refusal("not-found");
    },
    async revokeToken(userId, tokenId) {
      const token = {
        userId: toUserId(userId),
        credentialId: tryParse(parseCredentialId, tokenId),
      };
      const result = await manageTokens.revokeToken({ actor: ACTOR.id, ...token });
      if (result === "not-found") throw new CommandError(result, "Cannot find this token");
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

function toUserId(raw: string): UserId {
  return tryParse(parseUserId, raw);
}

/** What cannot be an id is that of nothing. */
function tryParse<Id>(parse: (raw: string) => Id, raw: string): Id {
  try {
    return parse(raw);
  } catch (error) {
    throw new CommandError("not-found", `Cannot find "${raw.slice(0, 80)}"`, { cause: error });
  }
}

function pick<T extends string>(known: readonly T[], raw: string): T {
  const found = known.find((each) => each === raw);
  if (found !== undefined) return found;
  throw new CommandError("bad-frame", `Cannot use "${raw}": expected one of ${known.join(", ")}`);
}

function refusal(kind: "last-admin" | "not-found"): CommandError {
  const message =
    kind === "not-found"
      ? "Cannot find this user"
      : "Cannot do this to the last administrator: expected another one to be left";
  return new CommandError(kind, message);
}
