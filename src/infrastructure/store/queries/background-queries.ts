import { type RawBuilder, sql } from "kysely";
import { NOW_MS } from "../dialects/now-ms.ts";
import { liveInstance } from "../live-instance.ts";
import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";

/* Tasks that go on without their turns. */

const RUNNING = sql.lit("running");

export const backgroundQueries = {
  /** Whoever runs the turn runs the task. */
  insertBackgroundTask: compile(
    builder
      .insertInto("background_task")
      .columns(["turn_id", "task_id", "instance_id"])
      .expression((eb) =>
        eb
          .selectFrom("turn")
          .select([
            "turn_id",
            sql<string>`cast(${arg("taskId")} as text)`.as("task_id"),
            sql<string>`instance_id`.as("instance_id"),
          ])
          .where("turn_id", "=", arg("turnId")),
      )
      .onConflict((conflict) => conflict.doNothing()),
  ),
  deleteBackgroundTask: compile(
    builder
      .deleteFrom("background_task")
      .where("turn_id", "=", arg("turnId"))
      .where("task_id", "=", arg("taskId")),
  ),
  listBackgroundOfTurn: compile<Schema["background_task"]>(
    builder
      .selectFrom("background_task")
      .selectAll()
      .where("turn_id", "=", arg("turnId"))
      .orderBy("task_id"),
  ),
  /** Those of instances whose lease has ended. */
  listLostBackground: compile<Schema["background_task"]>(
    lost(NOW_MS.sqlite),
    lost(NOW_MS.postgres),
  ),
  interruptTask: compile(
    builder
      .updateTable("task")
      .set({
        state: "failed",
        failure_code: "interrupted",
        failure_message: "Nexflow stopped during this call; whether it took effect is not known",
        ended_at_ms: arg<number>("nowMs"),
      })
      .where("task_id", "=", arg("taskId"))
      .where("state", "=", RUNNING),
  ),
};

function lost(nowMs: RawBuilder<number>) {
  return builder
    .selectFrom("background_task")
    .selectAll()
    .where((where) => where.not(where.exists(liveInstance("background_task.instance_id", nowMs))))
    .orderBy("turn_id")
    .orderBy("task_id");
}
