import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";

/* The brake, and what models are given of a session and a user besides messages. */

export const agentQueries = {
  findBrake: compile<Schema["brake"]>(
    builder.selectFrom("brake").selectAll().where("brake_id", "=", 1),
  ),
  insertBrake: compile(
    builder
      .insertInto("brake")
      .values({
        brake_id: 1,
        since_ms: arg<number>("sinceMs"),
        user_id: arg("userId"),
        reason: arg<string | null>("reason"),
      })
      .onConflict((conflict) => conflict.doNothing()),
  ),
  deleteBrake: compile(builder.deleteFrom("brake").where("brake_id", "=", 1)),

  findCompaction: compile<Schema["compaction"]>(
    builder.selectFrom("compaction").selectAll().where("compaction_id", "=", arg("compactionId")),
  ),
  /** Newest first. */
  listCompactions: compile<Schema["compaction"]>(
    builder
      .selectFrom("compaction")
      .selectAll()
      .where("session_id", "=", arg("sessionId"))
      .orderBy("created_at_ms", "desc")
      .orderBy("compaction_id", "desc"),
  ),
  /** Newest first: their ids grow with time. */
  listLatestCompactions: compile<Schema["compaction"]>(
    builder
      .selectFrom("compaction")
      .selectAll()
      .where("session_id", "=", arg("sessionId"))
      .orderBy("compaction_id", "desc")
      .limit(arg<number>("limit")),
  ),
  insertCompaction: compile(
    builder
      .insertInto("compaction")
      .values({
        session_id: arg("sessionId"),
        compaction_id: arg("compactionId"),
        up_to_turn_id: arg("upToTurnId"),
        summary: arg("summary"),
        model: arg("model"),
        messages: arg<number>("messages"),
        tokens_before: arg<number>("tokensBefore"),
        tokens_after: arg<number>("tokensAfter"),
        created_at_ms: arg<number>("createdAtMs"),
        undone_by: arg<string | null>("undoneBy"),
        undone_at_ms: arg<number | null>("undoneAtMs"),
      })
      .onConflict((conflict) => conflict.doNothing()),
  ),
  undoCompaction: compile(
    builder
      .updateTable("compaction")
      .set({ undone_by: arg("undoneBy"), undone_at_ms: arg<number>("nowMs") })
      .where("compaction_id", "=", arg("compactionId"))
      .where("undone_by", "is", null),
  ),
  deleteSessionCompactions: compile(
    builder.deleteFrom("compaction").where("session_id", "=", arg("sessionId")),
  ),

  /** A row where models are given more of a session and its user than messages. */
  findContext: compile<{ readonly found: number }>(
    builder
      .selectNoFrom((row) => row.lit(1).as("found"))
      .where((row) => {
        const note = row.selectFrom("note").select("note_id").where("user_id", "=", arg("userId"));
        const its = (table: "pin" | "compaction") =>
          row.selectFrom(table).select("session_id").where("session_id", "=", arg("sessionId"));
        return row.or([row.exists(note), row.exists(its("pin")), row.exists(its("compaction"))]);
      }),
  ),
  /** See `ContextVersion`. */
  bumpSessionContextVersion: compile(
    builder
      .updateTable("session")
      .set((row) => ({ context_version: row("context_version", "+", 1) }))
      .where("session_id", "=", arg("sessionId")),
  ),
  bumpUserContextVersion: compile(
    builder
      .updateTable("user")
      .set((row) => ({ context_version: row("context_version", "+", 1) }))
      .where("user_id", "=", arg("userId")),
  ),
  findUserContextVersion: compile<{ readonly context_version: number }>(
    builder.selectFrom("user").select("context_version").where("user_id", "=", arg("userId")),
  ),

  /** In the order in which they were pinned. */
  listPins: compile<Schema["pin"]>(
    builder
      .selectFrom("pin")
      .selectAll()
      .where("session_id", "=", arg("sessionId"))
      .orderBy("pinned_at_ms")
      .orderBy("message_id"),
  ),
  /** In the order of the conversation. */
  listPinnedMessages: compile<Schema["message"]>(
    builder
      .selectFrom("pin")
      .innerJoin("message", (join) =>
        join
          .onRef("message.session_id", "=", "pin.session_id")
          .onRef("message.message_id", "=", "pin.message_id"),
      )
      .selectAll("message")
      .where("pin.session_id", "=", arg("sessionId"))
      .orderBy("message.turn_id")
      .orderBy("message.position"),
  ),
  insertPin: compile(
    builder
      .insertInto("pin")
      .values({
        session_id: arg("sessionId"),
        message_id: arg("messageId"),
        pinned_at_ms: arg<number>("nowMs"),
      })
      .onConflict((conflict) => conflict.doNothing()),
  ),
  deletePin: compile(
    builder
      .deleteFrom("pin")
      .where("session_id", "=", arg("sessionId"))
      .where("message_id", "=", arg("messageId")),
  ),
  deleteSessionPins: compile(builder.deleteFrom("pin").where("session_id", "=", arg("sessionId"))),

  /** Oldest first. */
  listNotes: compile<Schema["note"]>(
    builder
      .selectFrom("note")
      .selectAll()
      .where("user_id", "=", arg("userId"))
      .orderBy("created_at_ms")
      .orderBy("note_id"),
  ),
  insertNote: compile(
    builder
      .insertInto("note")
      .values({
        user_id: arg("userId"),
        note_id: arg("noteId"),
        text: arg("text"),
        source: arg("source"),
        session_id: arg<string | null>("sessionId"),
        turn_id: arg<string | null>("turnId"),
        untrusted_from: arg<string | null>("untrusted"),
        created_at_ms: arg<number>("createdAtMs"),
      })
      .onConflict((conflict) => conflict.doNothing()),
  ),
  deleteNote: compile(
    builder
      .deleteFrom("note")
      .where("user_id", "=", arg("userId"))
      .where("note_id", "=", arg("noteId")),
  ),
};
