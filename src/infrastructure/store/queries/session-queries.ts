import { type ExpressionBuilder, type RawBuilder, type Selectable, sql } from "kysely";
import { ID_OF } from "../dialects/id-of.ts";
import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";
import { OPEN_STATES } from "../turn-states.ts";
import { userContextVersion } from "../user-context-version.ts";

type SessionRow = Selectable<Schema["session"]>;

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
  /** As long as the transaction lasts nobody else deletes the session. */
  shareSession: compile(session(), session().forKeyShare()),
  /** As long as the transaction lasts nobody else deletes the session or adds a turn to it. */
  lockSession: compile(session(), session().forUpdate()),
  /** As long as the transaction lasts nobody else's message begins a branch. */
  lockBranches: compile(session(), session().forNoKeyUpdate()),
  /**
   * What a message has to know of the session that it comes to: its newest turn, and one that is
   * unfinished, if there are such. Until the transaction ends nobody else deletes the session.
   */
  findSessionToJoin: compile(sessionToJoin(), sessionToJoin().forKeyShare("session")),
  moveSessionHead: compile(
    builder
      .updateTable("session")
      .set((session) => ({
        head_seq: arg<number>("lastSeq"),
        head_epoch: arg<number>("epoch"),
        updated_at_ms: arg<number>("nowMs"),
        ...grown(session),
      }))
      .where("session_id", "=", arg("sessionId"))
      .where("head_seq", "=", arg<number>("headSeq")),
  ),
  /** Adds to what a session has spent and come into touch with. */
  growSession: compile(
    builder.updateTable("session").set(grown).where("session_id", "=", arg("sessionId")),
  ),
  setSessionModel: compile(
    builder
      .updateTable("session")
      .set({ model: arg<string | null>("model") })
      .where("session_id", "=", arg("sessionId")),
  ),
  /** The next turn goes on from this one; a null: from the last one. */
  setNextParent: compile(
    builder
      .updateTable("session")
      .set({ next_parent_turn_id: arg<string | null>("turnId") })
      .where("session_id", "=", arg("sessionId")),
  ),
  moveNextParent: compile(
    builder
      .updateTable("session")
      .set({ next_parent_turn_id: arg("turnId") })
      .where("session_id", "=", arg("sessionId"))
      .where("next_parent_turn_id", "=", arg("joinedTurnId")),
  ),
  branchSession: compile(
    builder
      .updateTable("session")
      .set((row) => ({
        is_branched: 1,
        next_parent_turn_id: null,
        context_version: row("context_version", "+", 1),
      }))
      .where("session_id", "=", arg("sessionId")),
  ),
  listHeads: compile<HeadRow>(heads(ID_OF.sqlite), heads(ID_OF.postgres)),
  listSessions: compile<SessionRow>(
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
  deleteSessionModelCalls: compile(
    builder.deleteFrom("model_call").where("turn_id", "in", turnsOfSession()),
  ),
  deleteSessionTurns: compile(builder.deleteFrom("turn").where("turn_id", "in", turnsOfSession())),
  /** Those whose messages are other turns'. */
  deleteJoinedTurns: compile(
    builder
      .deleteFrom("turn")
      .where("session_id", "=", arg("sessionId"))
      .where("joined_turn_id", "is not", null),
  ),
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
  deleteFirstMessage: compile(
    builder
      .deleteFrom("message")
      .where("session_id", "=", arg("sessionId"))
      .where("turn_id", "=", arg("turnId"))
      .where("position", "=", 0),
  ),
  findFirstMessage: compile<Schema["message"]>(
    builder
      .selectFrom("message")
      .selectAll()
      .where("session_id", "=", arg("sessionId"))
      .where("turn_id", "=", arg("turnId"))
      .where("position", "=", 0),
  ),
  /** The turn before another one, in time. */
  findTurnBefore: compile<{ turn_id: string | null }>(
    builder
      .selectFrom("message")
      .select((message) => message.fn.max("turn_id").as("turn_id"))
      .where("session_id", "=", arg("sessionId"))
      .where("turn_id", "<", arg("turnId")),
  ),
  /** All turns with what they go on from, oldest first. */
  listTurnParents: compile<{ turn_id: string; parent_turn_id: string | null }>(
    builder
      .selectFrom("message")
      .innerJoin("turn", "turn.turn_id", "message.turn_id")
      .select(["turn.turn_id", "turn.parent_turn_id"])
      .where("message.session_id", "=", arg("sessionId"))
      .where("message.position", "=", 0)
      .orderBy("message.turn_id"),
  ),
  /** As `listMessages`, of turn `turnId` and those that it goes on from. */
  listBranchMessages: compile<Schema["message"]>(branchMessages()),
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
    .select([
      "session.user_id",
      "session.head_seq",
      "session.next_parent_turn_id",
      "session.model",
      "session.untrusted_from",
      "session.private_from",
      "session.context_version",
    ])
    .select((session) => [
      userContextVersion(session),
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

/** Sums grow, and what came first stays. */
function grown(session: ExpressionBuilder<Schema, "session">) {
  return {
    steps: session("steps", "+", arg<number>("steps")),
    tokens: session("tokens", "+", arg<number>("tokens")),
    cost_nano_usd: session("cost_nano_usd", "+", arg<number>("costNanoUsd")),
    wall_ms: session("wall_ms", "+", arg<number>("wallMs")),
    untrusted_from: first("untrusted_from", "untrusted"),
    private_from: first("private_from", "private"),
  };
}

function first(column: string, name: string): RawBuilder<string | null> {
  return sql`coalesce(${sql.ref(column)}, ${arg<string | null>(name)})`;
}

/** Goes from a turn to the one that it goes on from, and so on: as many as have the messages. */
function branchMessages() {
  return builder
    .withRecursive("branch(turn_id, depth)", (db) =>
      db
        .selectFrom("turn")
        .select(["turn.turn_id", sql<number>`1`.as("depth")])
        .where("turn.turn_id", "=", arg("turnId"))
        .unionAll(
          db
            .selectFrom("branch")
            .innerJoin("turn", "turn.turn_id", "branch.turn_id")
            .select([
              sql<string>`CASE WHEN turn.parent_turn_id IS NULL THEN (
                SELECT max(earlier.turn_id) FROM message AS earlier
                WHERE earlier.session_id = ${arg("sessionId")} AND earlier.turn_id < branch.turn_id
              ) ELSE nullif(turn.parent_turn_id, '') END`.as("turn_id"),
              sql<number>`branch.depth + 1`.as("depth"),
            ])
            // One more than it gives: of the first one there may be no message to be given.
            .where("branch.depth", "<=", arg<number>("limit")),
        ),
    )
    .selectFrom("branch")
    .innerJoin("message", "message.turn_id", "branch.turn_id")
    .selectAll("message")
    .where("message.session_id", "=", arg("sessionId"))
    .where((message) =>
      message.or([
        message("message.turn_id", "<", arg("turnId")),
        message("message.position", "<=", arg<number>("position")),
      ]),
    )
    .orderBy("message.turn_id", "desc")
    .orderBy("message.position", "desc")
    .limit(arg<number>("limit"));
}

function turnsOfSession() {
  return builder.selectFrom("message").select("turn_id").where("session_id", "=", arg("sessionId"));
}
