import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";

export const idempotencyQueries = {
  insertKey: compile(
    builder
      .insertInto("idempotency_key")
      .values({
        user_id: arg("userId"),
        key_hash: arg("keyHash"),
        fingerprint: arg("fingerprint"),
        work_id: arg("workId"),
        begun_at_ms: arg<number>("nowMs"),
        held_at_ms: arg<number>("nowMs"),
        status: null,
        body: null,
      })
      .onConflict((conflict) => conflict.doNothing()),
  ),
  lockKey: compile<Schema["idempotency_key"]>(byKey(), byKey().forUpdate()),
  holdKey: compile(
    builder
      .updateTable("idempotency_key")
      .set({ held_at_ms: arg<number>("nowMs") })
      .where("user_id", "=", arg("userId"))
      .where("key_hash", "=", arg("keyHash")),
  ),
  finishKey: compile(
    builder
      .updateTable("idempotency_key")
      .set({ status: arg<number>("status"), body: arg("body") })
      .where("user_id", "=", arg("userId"))
      .where("key_hash", "=", arg("keyHash")),
  ),
  deleteKey: compile(
    builder
      .deleteFrom("idempotency_key")
      .where("user_id", "=", arg("userId"))
      .where("key_hash", "=", arg("keyHash"))
      .where("status", "is", null),
  ),
  deleteOldKeys: compile(
    builder.deleteFrom("idempotency_key").where("begun_at_ms", "<", arg<number>("beforeMs")),
  ),
};

function byKey() {
  return builder
    .selectFrom("idempotency_key")
    .selectAll()
    .where("user_id", "=", arg("userId"))
    .where("key_hash", "=", arg("keyHash"));
}
