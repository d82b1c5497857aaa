import { type RawBuilder, sql } from "kysely";
import { NOW_MS } from "../dialects/now-ms.ts";
import { arg, builder, compile } from "../query-builder.ts";

/* Leases are given and judged by the database's clock; `leaseMs` counts from its now. */

/** A literal, so that SQLite sees that the index of running turns will do. */
const RUNNING = sql.lit("running");
const FORGOTTEN_AFTER_MS = 3_600_000;

export const instanceQueries = {
  insertInstance: compile(insertInstance(NOW_MS.sqlite), insertInstance(NOW_MS.postgres)),
  renewInstance: compile(renewInstance(NOW_MS.sqlite), renewInstance(NOW_MS.postgres)),
  deleteInstance: compile(
    builder.deleteFrom("instance").where("instance_id", "=", arg("instanceId")),
  ),
  deleteInstances: compile(builder.deleteFrom("instance")),
  /** Those that have been dead for longer than anybody would care. */
  deleteForgotten: compile(forgotten(NOW_MS.sqlite), forgotten(NOW_MS.postgres)),
  listRunningOf: compile<{ turn_id: string }>(
    builder
      .selectFrom("turn")
      .select("turn_id")
      .where("state", "=", RUNNING)
      .where("instance_id", "=", arg("instanceId")),
  ),
  listCancelledOf: compile<{ turn_id: string }>(
    builder
      .selectFrom("turn")
      .select("turn_id")
      .where("state", "=", RUNNING)
      .where("instance_id", "=", arg("instanceId"))
      .where("is_cancelled", "=", 1),
  ),
};

function insertInstance(nowMs: RawBuilder<number>) {
  return builder.insertInto("instance").values(({ eb }) => ({
    instance_id: arg("instanceId"),
    epoch: arg<number>("epoch"),
    started_at_ms: nowMs,
    expires_at_ms: eb(nowMs, "+", arg<number>("leaseMs")),
  }));
}

function renewInstance(nowMs: RawBuilder<number>) {
  return builder
    .updateTable("instance")
    .set(({ eb }) => ({ expires_at_ms: eb(nowMs, "+", arg<number>("leaseMs")) }))
    .where("instance_id", "=", arg("instanceId"))
    .where("expires_at_ms", ">", nowMs);
}

function forgotten(nowMs: RawBuilder<number>) {
  return builder
    .deleteFrom("instance")
    .where(({ eb }) => eb(eb("expires_at_ms", "+", FORGOTTEN_AFTER_MS), "<", nowMs));
}
