import { parseCredentialId, parseScheduleId, type UserId } from "#domain/shared/id.ts";
import { changeUser as changed, isLastAdmin, type User } from "#domain/user/user.ts";
import type {
  ChangeUserResult,
  ListUsers,
  RemoveUserResult,
  UserRepository,
} from "#domain/user/user-repository.ts";
import { queries } from "../load-queries.ts";
import { userFromRow } from "../rows.ts";
import { all, get, run, type Script } from "../script.ts";
import { eraseAudit } from "./audit-scripts.ts";
import { removeSchedule } from "./schedule-scripts.ts";

export function* findUser(userId: UserId): Script<User | undefined> {
  const row = yield* get(queries.findUser, { userId });
  return row && userFromRow(row);
}

export function* listUsers({ limit, after = "" as UserId }: ListUsers): Script<User[]> {
  return (yield* all(queries.listUsers, { limit, after })).map(userFromRow);
}

export function* addUser({ id: userId, name, role, createdAtMs }: User): Script<void> {
  yield* run(queries.insertUser, { userId, name, role, createdAtMs });
}

export function* changeUser(
  input: Parameters<UserRepository["change"]>[0],
): Script<ChangeUserResult> {
  const { userId, ...change } = input;
  const admins = yield* all(queries.lockAdmins);
  const row = yield* get(queries.lockUser, { userId });
  if (row === undefined) return { kind: "not-found" };
  const user = changed(userFromRow(row), change, admins.length);
  if (user === "last-admin") return { kind: "last-admin" };
  yield* run(queries.updateUser, { userId, name: user.name, role: user.role });
  return { kind: "changed", user };
}

export function* removeUser(userId: UserId): Script<RemoveUserResult> {
  const admins = yield* all(queries.lockAdmins);
  const row = yield* get(queries.lockUser, { userId });
  if (row === undefined) return { kind: "not-found" };
  if (isLastAdmin(userFromRow(row), admins.length)) return { kind: "last-admin" };
  // From here on no run writes and no message comes in: what is deleted stays deleted.
  yield* all(queries.lockTurnsOfUser, { userId });
  yield* all(queries.lockSessionsOfUser, { userId });
  const credentials = yield* all(queries.listCredentialsOfUser, { userId });
  for (const { schedule_id: id } of yield* all(queries.listScheduleIdsOfUser, { userId })) {
    yield* removeSchedule(parseScheduleId(id));
  }
  yield* run(queries.deleteTasksOfUser, { userId });
  yield* run(queries.deleteMessagesOfUser, { userId });
  yield* run(queries.deleteEventsOfUser, { userId });
  yield* run(queries.deleteTurnsOfUser, { userId });
  yield* run(queries.deleteSessionsOfUser, { userId });
  yield* run(queries.deleteHostCallsOfUser, { userId });
  yield* run(queries.deleteCallsOfUser, { userId });
  yield* run(queries.deleteValuesOfUser, { userId });
  yield* run(queries.deleteSpacesOfUser, { userId });
  yield* run(queries.deleteKeysOfUser, { userId });
  yield* run(queries.deleteCredentialsOfUser, { userId });
  yield* eraseAudit(userId);
  yield* run(queries.deleteUser, { userId });
  const ids = credentials.map(({ credential_id: id }) => parseCredentialId(id));
  return { kind: "removed", credentialIds: ids.toSorted() };
}
