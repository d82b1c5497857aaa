import type { AuditEvent } from "#domain/audit/audit-log.ts";
import { type CredentialId, parseScheduleId, type UserId } from "#domain/shared/id.ts";
import { changeUser as changed, isLastAdmin, type User } from "#domain/user/user.ts";
import type {
  ChangeUser,
  ChangeUserResult,
  ListUsers,
  RemoveUserResult,
} from "#domain/user/user-repository.ts";
import { queries } from "../load-queries.ts";
import { userFromRow } from "../rows.ts";
import { all, get, run, type Script } from "../script.ts";
import { appendAudit, eraseAudit } from "./audit-scripts.ts";
import { removeCredential } from "./credential-scripts.ts";
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
  { userId, ...change }: ChangeUser,
  event?: AuditEvent,
): Script<ChangeUserResult> {
  const admins = yield* all(queries.lockAdmins);
  const row = yield* get(queries.lockUser, { userId });
  if (row === undefined) return { kind: "not-found" };
  const user = changed(userFromRow(row), change, admins.length);
  if (user === "last-admin") return yield* refuse(event);
  yield* run(queries.updateUser, { userId, name: user.name, role: user.role });
  if (event !== undefined) yield* appendAudit([event]);
  return { kind: "changed", user };
}

export function* removeUser(userId: UserId, event?: AuditEvent): Script<RemoveUserResult> {
  const admins = yield* all(queries.lockAdmins);
  const row = yield* get(queries.lockUser, { userId });
  if (row === undefined) return { kind: "not-found" };
  if (isLastAdmin(userFromRow(row), admins.length)) return yield* refuse(event);
  // From here on no run writes and no message comes in: what is deleted stays deleted.
  yield* all(queries.lockTurnsOfUser, { userId });
  yield* all(queries.lockSessionsOfUser, { userId });
  for (const { schedule_id: id } of yield* all(queries.listScheduleIdsOfUser, { userId })) {
    yield* removeSchedule(parseScheduleId(id));
  }
  yield* run(queries.deleteTasksOfUser, { userId });
  yield* run(queries.deleteMessagesOfUser, { userId });
  yield* run(queries.deleteEventsOfUser, { userId });
  yield* run(queries.deleteModelCallsOfUser, { userId });
  yield* run(queries.deleteSpendOfUser, { userId });
  yield* run(queries.deleteCompactionsOfUser, { userId });
  yield* run(queries.deletePinsOfUser, { userId });
  yield* run(queries.deleteTurnsOfUser, { userId });
  yield* run(queries.deleteSessionsOfUser, { userId });
  yield* run(queries.deleteHostCallsOfUser, { userId });
  yield* run(queries.deleteCallsOfUser, { userId });
  yield* run(queries.deleteValuesOfUser, { userId });
  yield* run(queries.deleteSpacesOfUser, { userId });
  yield* run(queries.deleteKeysOfUser, { userId });
  // With what was made by them for others.
  const credentialIds = new Set<CredentialId>();
  for (const { credential_id: id } of yield* all(queries.listCredentialsOfUser, { userId })) {
    for (const gone of yield* removeCredential(id)) credentialIds.add(gone);
  }
  yield* run(queries.deleteUser, { userId });
  // After it nobody else adds to the log: what is on it of the user is seen, and so is this entry.
  if (event !== undefined) yield* appendAudit([event]);
  yield* eraseAudit(userId);
  return { kind: "removed", credentialIds: [...credentialIds].toSorted() };
}

function* refuse(event: AuditEvent | undefined): Script<{ readonly kind: "last-admin" }> {
  const reason = "last-admin";
  if (event !== undefined) {
    yield* appendAudit([{ ...event, decision: "denied", detail: { asked: event.detail, reason } }]);
  }
  return { kind: reason };
}
