import { type AliasedRawBuilder, type RawBuilder, sql } from "kysely";
import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";

/*
 * What concerns a batch of schedules comes as one JSON array: a statement for all of them, however
 * many there are.
 */

/** How a dialect reads an array of objects: as a table, and a field of each. */
interface JsonRows {
  readonly table: AliasedRawBuilder<object, "given">;
  readonly field: <T>(name: string, type: "text" | "bigint") => RawBuilder<T>;
}

const fromSqlite: JsonRows = {
  table: sql<object>`json_each(${arg("rowsJson")})`.as("given"),
  field: (name) => sql`json_extract(given.value, ${sql.lit(`$.${name}`)})`,
};

const fromPostgres: JsonRows = {
  table: sql<object>`json_array_elements(${arg("rowsJson")}::json)`.as("given"),
  field: (name, type) => sql`(given.value ->> ${sql.lit(name)})::${sql.raw(type)}`,
};

export const scheduleQueries = {
  insertSchedule: compile(
    builder.insertInto("schedule").values({
      schedule_id: arg("scheduleId"),
      user_id: arg("userId"),
      name: arg("name"),
      when_json: arg("whenJson"),
      missed: arg("missed"),
      action_json: arg("actionJson"),
      state: arg("state"),
      next_at_ms: arg<number | null>("nextAtMs"),
      state_at_ms: arg<number | null>("stateAtMs"),
      last_fired_at_ms: arg<number | null>("lastFiredAtMs"),
      created_at_ms: arg<number>("createdAtMs"),
    }),
  ),
  findSchedule: compile<Schema["schedule"]>(schedule()),
  /** As long as the transaction lasts nobody else changes or removes it. */
  lockSchedule: compile<Schema["schedule"]>(schedule(), schedule().forUpdate()),
  listSchedules: compile<Schema["schedule"]>(listed()),
  listSchedulesOfUser: compile<Schema["schedule"]>(listed().where("user_id", "=", arg("userId"))),
  countSchedules: compile<{ count: number }>(
    builder
      .selectFrom("schedule")
      .select(({ fn }) => fn.countAll<number>().as("count"))
      .where("user_id", "=", arg("userId")),
  ),
  changeScheduleState: compile(
    builder
      .updateTable("schedule")
      .set({
        state: arg("state"),
        next_at_ms: arg<number | null>("nextAtMs"),
        state_at_ms: arg<number | null>("stateAtMs"),
      })
      .where("schedule_id", "=", arg("scheduleId")),
  ),
  deleteSchedule: compile(
    builder.deleteFrom("schedule").where("schedule_id", "=", arg("scheduleId")),
  ),
  /** What another transaction has in hand is passed over. */
  findDueSchedules: compile<Schema["schedule"]>(due(), due().forUpdate().skipLocked()),
  findNextScheduleTime: compile<{ next_at_ms: number }>(
    builder
      .selectFrom("schedule")
      .select("next_at_ms")
      .where("next_at_ms", "is not", null)
      .$narrowType<{ next_at_ms: number }>()
      .orderBy("next_at_ms")
      .limit(1),
  ),
  moveSchedules: compile(moved(fromSqlite), moved(fromPostgres)),
  insertFirings: compile(fired(fromSqlite), fired(fromPostgres)),
  findFiring: compile<Schema["schedule_firing"]>(firing()),
  listFirings: compile<Schema["schedule_firing"]>(
    builder
      .selectFrom("schedule_firing")
      .selectAll()
      .where("schedule_id", "=", arg("scheduleId"))
      .orderBy("due_at_ms", "desc")
      .limit(arg<number>("limit")),
  ),
  leaveOutFirings: compile(
    builder
      .updateTable("schedule_firing")
      .set({ state: "left-out", ended_at_ms: arg<number>("nowMs") })
      .where("schedule_id", "=", arg("scheduleId"))
      .where("state", "=", "waiting"),
  ),
  beginFiring: compile(
    openFiring().set((current) => ({
      state: "running",
      attempt: arg<number>("attempt"),
      task_id: arg("taskId"),
      started_at_ms: arg<number>("startedAtMs"),
      late_ms: current.fn.coalesce("late_ms", sql<number>`${arg<number>("lateMs")}`),
    })),
  ),
  withdrawFiring: compile(
    openFiring()
      .set({ state: "waiting", attempt: 0, task_id: null, started_at_ms: null, late_ms: null })
      .where("state", "=", "running"),
  ),
  endFiring: compile(
    openFiring().set((current) => ({
      state: arg("state"),
      started_at_ms: arg<number>("startedAtMs"),
      late_ms: current.fn.coalesce("late_ms", sql<number>`${arg<number>("lateMs")}`),
      ended_at_ms: arg<number>("endedAtMs"),
      turn_id: arg<string | null>("turnId"),
      task_id: current.fn.coalesce(sql<string>`${arg<string | null>("taskId")}`, "task_id"),
      failure_code: arg<string | null>("failureCode"),
      failure_message: arg<string | null>("failureMessage"),
    })),
  ),
  /** Of all schedules. */
  listOpenFirings: compile<{ schedule_id: string; due_at_ms: number }>(
    builder
      .selectFrom("schedule_firing")
      .select(["schedule_id", "due_at_ms"])
      .where("state", "in", ["waiting", "running"])
      .orderBy("schedule_id")
      .orderBy("due_at_ms"),
  ),
  listOldFirings: compile<{ schedule_id: string; due_at_ms: number; task_id: string | null }>(
    builder
      .selectFrom("schedule_firing")
      .select(["schedule_id", "due_at_ms", "task_id"])
      .where("ended_at_ms", "<", arg<number>("beforeMs"))
      .orderBy("ended_at_ms")
      .limit(arg<number>("limit")),
  ),
  deleteFiring: compile(
    builder
      .deleteFrom("schedule_firing")
      .where("schedule_id", "=", arg("scheduleId"))
      .where("due_at_ms", "=", arg<number>("dueAtMs")),
  ),
  /** Tasks of firings belong to no turn. */
  deleteFiringTask: compile(
    builder.deleteFrom("task").where("turn_id", "=", "").where("task_id", "=", arg("taskId")),
  ),
  deleteScheduleTasks: compile(
    builder
      .deleteFrom("task")
      .where("turn_id", "=", "")
      .where("task_id", "in", (firings) =>
        firings
          .selectFrom("schedule_firing")
          .select("task_id")
          .where("schedule_id", "=", arg("scheduleId"))
          .where("task_id", "is not", null)
          .$narrowType<{ task_id: string }>(),
      ),
  ),
};

function schedule() {
  return builder.selectFrom("schedule").selectAll().where("schedule_id", "=", arg("scheduleId"));
}

function listed() {
  return builder
    .selectFrom("schedule")
    .selectAll()
    .where("schedule_id", ">", arg("after"))
    .orderBy("schedule_id")
    .limit(arg<number>("limit"));
}

function due() {
  return builder
    .selectFrom("schedule")
    .selectAll()
    .where("next_at_ms", "<=", arg<number>("nowMs"))
    .orderBy("next_at_ms")
    .limit(arg<number>("limit"));
}

function firing() {
  return builder
    .selectFrom("schedule_firing")
    .selectAll()
    .where("schedule_id", "=", arg("scheduleId"))
    .where("due_at_ms", "=", arg<number>("dueAtMs"));
}

/** A firing that has not ended, at the attempt that is known. */
function openFiring() {
  return builder
    .updateTable("schedule_firing")
    .where("schedule_id", "=", arg("scheduleId"))
    .where("due_at_ms", "=", arg<number>("dueAtMs"))
    .where("attempt", "=", arg<number>("knownAttempt"))
    .where("state", "in", ["waiting", "running"]);
}

function moved({ table, field }: JsonRows) {
  return builder
    .updateTable("schedule")
    .from(table)
    .set({
      state: field<string>("state", "text"),
      next_at_ms: field<number | null>("nextAtMs", "bigint"),
      state_at_ms: field<number | null>("stateAtMs", "bigint"),
      last_fired_at_ms: field<number | null>("lastFiredAtMs", "bigint"),
    })
    .where("schedule_id", "=", field<string>("scheduleId", "text"));
}

/** A time for which the schedule was fired out of turn is fired already. */
function fired({ table, field }: JsonRows) {
  const scheduleId = field("scheduleId", "text");
  const dueAtMs = field("dueAtMs", "bigint");
  return builder
    .insertInto("schedule_firing")
    .columns(["schedule_id", "due_at_ms", "fired_at_ms", "state", "attempt"])
    .expression(
      sql`SELECT ${scheduleId}, ${dueAtMs}, ${arg<number>("nowMs")}, 'waiting', 0 FROM ${table} WHERE true`,
    )
    .onConflict((conflict) => conflict.doNothing());
}
