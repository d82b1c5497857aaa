import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";

export const userQueries = {
  insertUser: compile(
    builder
      .insertInto("user")
      .values({
        user_id: arg("userId"),
        name: arg("name"),
        role: arg("role"),
        created_at_ms: arg<number>("createdAtMs"),
      })
      .onConflict((conflict) => conflict.doNothing()),
  ),
  findUser: compile<Schema["user"]>(oneUser()),
  /** Nobody removes the user while something of theirs is added. */
  shareUser: compile<Schema["user"]>(oneUser(), oneUser().forKeyShare()),
  lockUser: compile<Schema["user"]>(oneUser(), oneUser().forUpdate()),
  /** All administrators, and that nobody else changes who is one. */
  lockAdmins: compile<{ user_id: string }>(admins(), admins().forUpdate()),
  listUsers: compile<Schema["user"]>(
    builder
      .selectFrom("user")
      .selectAll()
      .where("user_id", ">", arg("after"))
      .orderBy("user_id")
      .limit(arg<number>("limit")),
  ),
  updateUser: compile(
    builder
      .updateTable("user")
      .set({ name: arg("name"), role: arg("role") })
      .where("user_id", "=", arg("userId")),
  ),

  /* What goes with a user. Turns, then sessions: in the order in which runs lock them. */
  lockTurnsOfUser: compile<{ turn_id: string }>(turnsOfUser(), turnsOfUser().forUpdate()),
  lockSessionsOfUser: compile<{ session_id: string }>(
    sessionsOfUser(),
    sessionsOfUser().forUpdate(),
  ),
  listScheduleIdsOfUser: compile<{ schedule_id: string }>(
    builder.selectFrom("schedule").select("schedule_id").where("user_id", "=", arg("userId")),
  ),
  deleteTasksOfUser: compile(
    builder
      .deleteFrom("task")
      .where((task) =>
        task.or([task("user_id", "=", arg("userId")), task("turn_id", "in", turnsOfUser())]),
      ),
  ),
  deleteMessagesOfUser: compile(
    builder.deleteFrom("message").where("session_id", "in", sessionsOfUser()),
  ),
  deleteEventsOfUser: compile(
    builder.deleteFrom("event_segment").where("session_id", "in", sessionsOfUser()),
  ),
  deleteModelCallsOfUser: compile(
    builder.deleteFrom("model_call").where("turn_id", "in", turnsOfUser()),
  ),
  deleteSpendOfUser: compile(builder.deleteFrom("spend").where("user_id", "=", arg("userId"))),
  deleteCompactionsOfUser: compile(
    builder.deleteFrom("compaction").where("session_id", "in", sessionsOfUser()),
  ),
  deletePinsOfUser: compile(builder.deleteFrom("pin").where("session_id", "in", sessionsOfUser())),
  deleteTurnsOfUser: compile(builder.deleteFrom("turn").where("user_id", "=", arg("userId"))),
  deleteSessionsOfUser: compile(builder.deleteFrom("session").where("user_id", "=", arg("userId"))),
  deleteHostCallsOfUser: compile(
    builder
      .deleteFrom("host_call")
      .where("call_id", "in", (calls) =>
        calls.selectFrom("skill_call").select("call_id").where("user_id", "=", arg("userId")),
      ),
  ),
  deleteCallsOfUser: compile(builder.deleteFrom("skill_call").where("user_id", "=", arg("userId"))),
  deleteValuesOfUser: compile(
    builder
      .deleteFrom("skill_kv")
      .where("user_id", "=", arg("userId"))
      .where("skill", "in", (spaces) =>
        spaces.selectFrom("skill_kv_space").select("skill").where("user_id", "=", arg("userId")),
      ),
  ),
  deleteSpacesOfUser: compile(
    builder.deleteFrom("skill_kv_space").where("user_id", "=", arg("userId")),
  ),
  deleteKeysOfUser: compile(
    builder.deleteFrom("idempotency_key").where("user_id", "=", arg("userId")),
  ),
  deleteUser: compile(builder.deleteFrom("user").where("user_id", "=", arg("userId"))),
};

function oneUser() {
  return builder.selectFrom("user").selectAll().where("user_id", "=", arg("userId"));
}

function admins() {
  return builder
    .selectFrom("user")
    .select("user_id")
    .where("role", "=", "admin")
    .orderBy("user_id");
}

function turnsOfUser() {
  return builder.selectFrom("turn").select("turn_id").where("user_id", "=", arg("userId"));
}

function sessionsOfUser() {
  return builder.selectFrom("session").select("session_id").where("user_id", "=", arg("userId"));
}
