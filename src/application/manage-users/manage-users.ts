import type { AuditEvent } from "#domain/audit/audit-log.ts";
import { parseUserId, type UserId } from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { User, UserChange, UserRole } from "#domain/user/user.ts";
import type {
  ChangeUserResult,
  ListUsers,
  RemoveUserResult,
  UserRepository,
} from "#domain/user/user-repository.ts";
import type { NewId, NowMs } from "../ports/clock.ts";
import type { CredentialsRevoked } from "../ports/credentials-revoked.ts";

/** What administrators do with users; `actor` is who does it. */
export interface ManageUsers {
  listUsers(input: ListUsers): Promise<readonly User[]>;
  findUser(userId: UserId): Promise<User | undefined>;
  createUser(input: CreateUser): Promise<User>;
  changeUser(input: ChangeUser): Promise<ChangeUserResult>;
  /** Their turns end, their credentials stop working, all that is stored of them goes. */
  removeUser(input: RemoveUser): Promise<RemoveUserResult["kind"]>;
}

export interface CreateUser {
  readonly actor: UserId | "system";
  readonly name: string;
  readonly role: UserRole;
}

export interface ChangeUser extends UserChange {
  readonly actor: UserId | "system";
  readonly userId: UserId;
}

export interface RemoveUser {
  readonly actor: UserId | "system";
  readonly userId: UserId;
}

export interface ManageUsersDeps {
  readonly users: UserRepository;
  /** What is done to users does not happen unrecorded. */
  readonly audit: (event: AuditEvent) => Promise<void>;
  readonly credentialsRevoked: CredentialsRevoked;
  /** Ends what the user's turns do at this moment, as far as this instance can. */
  readonly stopTurnsOf: (userId: UserId) => void;
  readonly newId: NewId;
  readonly nowMs: NowMs;
}

export function createManageUsers(deps: ManageUsersDeps): ManageUsers {
  const { users, audit, credentialsRevoked, stopTurnsOf, newId, nowMs } = deps;

  return {
    listUsers: (input) => users.list(input),
    findUser: (userId) => users.find(userId),

    async createUser({ actor, name, role }) {
      const user = { id: parseUserId(newId()), name, role, createdAtMs: nowMs() };
      await audit(toEvent("user.created", { actor, userId: user.id }, { role }));
      await users.add(user);
      return user;
    },

    async changeUser({ actor, userId, name, role }) {
      const changed = name === undefined ? [] : ["name"];
      const detail = role === undefined ? { changed } : { changed: [...changed, "role"], role };
      const event = toEvent("user.changed", { actor, userId }, detail);
      const result = await users.change({ userId, name, role }, event);
      // Open sockets go on with the role of their user as it is now.
      if (result.kind === "changed") credentialsRevoked([]);
      return result;
    },

    async removeUser({ actor, userId }) {
      const result = await users.remove(userId, toEvent("user.removed", { actor, userId }, {}));
      if (result.kind !== "removed") return result.kind;
      credentialsRevoked(result.credentialIds);
      stopTurnsOf(userId);
      return "removed";
    },
  };

  function toEvent(
    action: string,
    { actor, userId }: Pick<RemoveUser, "actor" | "userId">,
    detail: JsonValue,
  ): AuditEvent {
    const subject = `user:${userId}`;
    return { atMs: nowMs(), actor, action, subject, decision: "allowed", detail };
  }
}
