import { type RawBuilder, sql } from "kysely";
import { builder } from "./query-builder.ts";

/** The instance that a row names, where it is alive. */
export function liveInstance(
  named: "turn.instance_id" | "background_task.instance_id",
  nowMs: RawBuilder<number>,
) {
  return builder
    .selectFrom("instance")
    .select("instance.instance_id")
    .where("instance.instance_id", "=", sql.ref<string>(named))
    .where("expires_at_ms", ">", nowMs);
}
