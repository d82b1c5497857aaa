import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";

export const transcriptQueries = {
  findTranscript: compile<Schema["transcript"]>(
    builder
      .selectFrom("transcript")
      .selectAll()
      .where("user_id", "=", arg("userId"))
      .where("hash", "=", arg("hash")),
  ),
  saveTranscript: compile(
    builder
      .insertInto("transcript")
      .values({
        user_id: arg("userId"),
        hash: arg("hash"),
        session_id: arg("sessionId"),
        turn_id: arg("turnId"),
      })
      .onConflict((conflict) =>
        conflict.columns(["user_id", "hash"]).doUpdateSet((excluded) => ({
          session_id: excluded.ref("excluded.session_id"),
          turn_id: excluded.ref("excluded.turn_id"),
        })),
      ),
  ),
  deleteSessionTranscripts: compile(
    builder.deleteFrom("transcript").where("session_id", "=", arg("sessionId")),
  ),
};
