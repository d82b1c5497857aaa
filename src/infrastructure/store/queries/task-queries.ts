import { sql } from "kysely";
import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";

export const taskQueries = {
  findTask: compile<Schema["task"]>(
    builder.selectFrom("task").selectAll().where("task_id", "=", arg("taskId")),
  ),
  /** Latest first; an empty text is any. */
  listTasks: compile<Schema["task"]>(listTasks()),
  listTasksOfUser: compile<Schema["task"]>(listTasks().where("user_id", "=", arg("userId"))),
  listTasksOfSession: compile<Schema["task"]>(
    listTasks().where("session_id", "=", arg("sessionId")),
  ),
  listTasksOfTurn: compile<Schema["task"]>(
    builder.selectFrom("task").selectAll().where("turn_id", "=", arg("turnId")).orderBy("task_id"),
  ),
  /** Stores a task as it has become, where it is still in the state `from`. */
  moveTask: compile(
    builder
      .updateTable("task")
      .set((task) => ({
        skill_digest: arg("skillDigest"),
        policy_hash: arg("policyHash"),
        state: arg("state"),
        output_json: arg<string | null>("outputJson"),
        failure_code: arg<string | null>("failureCode"),
        failure_message: arg<string | null>("failureMessage"),
        wall_ms: arg<number>("wallMs"),
        cpu_ms: arg<number>("cpuMs"),
        memory_mib: arg<number>("memoryMiB"),
        output_bytes: arg<number>("outputBytes"),
        started_at_ms: task.fn.coalesce(
          sql<number | null>`cast(${arg<number | null>("startedAtMs")} as bigint)`,
          "started_at_ms",
        ),
        ended_at_ms: arg<number | null>("endedAtMs"),
      }))
      .where("task_id", "=", arg("taskId"))
      .where("state", "=", arg("from")),
  ),
};

function listTasks() {
  return builder
    .selectFrom("task")
    .selectAll()
    .where("task_id", "<", arg("before"))
    .where(sql<boolean>`${arg("userId")} in ('', user_id)`)
    .where(sql<boolean>`${arg("state")} in ('', state)`)
    .orderBy("task_id", "desc")
    .limit(arg<number>("limit"));
}
