import { type RawBuilder, sql } from "kysely";
import { ID_OF } from "../dialects/id-of.ts";
import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";

/** Literals, so that SQLite sees that the index of unfinished turns will do. */
const OPEN_STATES = [sql.lit("queued"), sql.lit("running")];

export const sessionQueries = {
  insertSession: compile(
    builder.insertInto("session").values({
      session_id: arg("sessionId"),
      user_id: arg("userId"),
      title: arg("title"),
      created_at_ms: arg<number>("nowMs"),
      updated_at_ms: arg<number>("nowMs"),
      head_seq: 0,
      head_epoch: 0,
    }),
  ),
  findSession: compile(session()),
  /** As long as the transaction lasts nobody else deletes the session or adds a turn to it. */
  lockSession: compile(session(), session().forUpdate()),
  /**
   * What a message has to know of the session that it comes to: its newest turn, and one that is
   * unfinished, if there are such. Until the transaction ends nobody else deletes the session.
   */
  findSessionToJoin: compile(sessionToJoin(), sessionToJoin().forKeyShare("session")),
  moveSessionHead: compile(
    builder
      .updateTable("session")
      .set({
        head_seq: arg<number>("lastSeq"),
        head_epoch: arg<number>("epoch"),
        updated_at_ms: arg<number>("nowMs"),
      })
      .where("session_id", "=", arg("sessionId"))
      .where("head_seq", "=", arg<number>("headSeq")),
  ),
  listHeads: compile<HeadRow>(heads(ID_OF.sqlite), heads(ID_OF.postgres)),
  listSessions: compile<Schema["session"]>(
    builder
      .selectFrom("session")
      .selectAll()
      .where("user_id", "=", arg("userId"))
      .where(
        sql<boolean>`(updated_at_ms, session_id) < (${arg<number>("updatedAtMs")}, ${arg("sessionId")})`,
      )
      .orderBy("updated_at_ms", "desc")
      .orderBy("session_id", "desc")
      .limit(arg<number>("limit")),
  ),
  deleteSession: compile(builder.deleteFrom("session").where("session_id", "=", arg("sessionId"))),
  deleteSessionMessages: compile(
    builder.deleteFrom("message").where("session_id", "=", arg("sessionId")),
  ),
  /** Before the messages: by them a session's turns are found. */
  deleteSessionTasks: compile(builder.deleteFrom("task").where("turn_id", "in", turnsOfSession())),
  deleteSessionTurns: compile(builder.deleteFrom("turn").where("turn_id", "in", turnsOfSession())),
  deleteSessionEvents: compile(
    builder.deleteFrom("event_segment").where("session_id", "=", arg("sessionId")),
  ),
  insertMessage: compile(
    builder.insertInto("message").values({
      session_id: arg("sessionId"),
      turn_id: arg("turnId"),
      position: arg<number>("position"),
      message_id: arg("messageId"),
      role: arg("role"),
      parts_json: arg("partsJson"),
      is_complete: arg<number>("isComplete"),
      created_at_ms: arg<number>("createdAtMs"),
    }),
  ),
  findMessage: compile<Schema["message"]>(
    builder
      .selectFrom("message")
      .selectAll()
      .where("session_id", "=", arg("sessionId"))
      .where("message_id", "=", arg("messageId")),
  ),
  /** Latest first, up to and including turn `turnId` and its position `position`. */
  listMessages: compile<Schema["message"]>(
    builder
      .selectFrom("message")
      .selectAll()
      .where("session_id", "=", arg("sessionId"))
      .where(sql<boolean>`(turn_id, position) <= (${arg("turnId")}, ${arg<number>("position")})`)
      .orderBy("turn_id", "desc")
      .orderBy("position", "desc")
      .limit(arg<number>("limit")),
  ),
  listTurnMessages: compile<Schema["message"]>(
    builder
      .selectFrom("message")
      .selectAll()
      .where("session_id", "=", arg("sessionId"))
      .where("turn_id", "=", arg("turnId"))
      .orderBy("position"),
  ),
  insertSegment: compile(
    builder.insertInto("event_segment").values({
      session_id: arg("sessionId"),
      first_seq: arg<number>("firstSeq"),
      last_seq: arg<number>("lastSeq"),
      epoch: arg<number>("epoch"),
      turn_id: arg("turnId"),
      events_json: arg("eventsJson"),
    }),
  ),
  /** The segment that holds event `after`, if one does, and those that follow. */
  listSegmentsFrom: compile<Schema["event_segment"]>(
    builder
      .selectFrom("event_segment")
      .selectAll()
      .where("session_id", "=", arg("sessionId"))
      .where("first_seq", ">=", (segment) =>
        segment.fn.coalesce(
          segment
            .selectFrom("event_segment as held")
            .select("held.first_seq")
            .where("held.session_id", "=", arg("sessionId"))
            .where("held.first_seq", "<=", arg<number>("after"))
            .orderBy("held.first_seq", "desc")
            .limit(1),
          sql.lit(0),
        ),
      )
      .orderBy("first_seq")
      .limit(arg<number>("limit")),
  ),
};

interface HeadRow {
  readonly session_id: string;
  readonly head_seq: number;
  readonly head_epoch: number;
  /** Of the turn that runs, if one does. */
  readonly run_epoch: number | null;
}

function heads(ids: RawBuilder<string>) {
  return builder
    .selectFrom("session")
    .leftJoin("turn", (join) =>
      join.onRef("turn.session_id", "=", "session.session_id").on("turn.state", "=", "running"),
    )
    .select([
      "session.session_id",
      "session.head_seq",
      "session.head_epoch",
      "turn.epoch as run_epoch",
    ])
    .where("session.session_id", "in", ids);
}

function session() {
  return builder.selectFrom("session").selectAll().where("session_id", "=", arg("sessionId"));
}

function sessionToJoin() {
  return builder
    .selectFrom("session")
    .select(["session.user_id", "session.head_seq"])
    .select((session) => [
      session
        .selectFrom("message")
        .select("message.turn_id")
        .whereRef("message.session_id", "=", "session.session_id")
        .orderBy("message.turn_id", "desc")
        .limit(1)
        .as("last_turn_id"),
      session
        .selectFrom("turn")
        .select("turn.turn_id")
        .whereRef("turn.session_id", "=", "session.session_id")
        .where("turn.state", "in", OPEN_STATES)
        .limit(1)
        .as("open_turn_id"),
    ])
    .where("session.session_id", "=", arg("sessionId"));
}

function turnsOfSession() {
  return builder.selectFrom("message").select("turn_id").where("session_id", "=", arg("sessionId"));
}
