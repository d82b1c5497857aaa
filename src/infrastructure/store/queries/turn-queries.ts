import { type RawBuilder, type Selectable, sql } from "kysely";
import { ID_OF } from "../dialects/id-of.ts";
import { NOW_MS } from "../dialects/now-ms.ts";
import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";

type TurnRow = Selectable<Schema["turn"]>;

/** Literals, so that SQLite sees that the indexes of unfinished turns will do. */
const QUEUED = sql.lit("queued");
const RUNNING = sql.lit("running");
const OPEN_STATES = [QUEUED, RUNNING];

export const turnQueries = {
  /** Changes nothing where the user's message has a turn already. */
  insertTurn: compile(
    builder
      .insertInto("turn")
      .values({
        turn_id: arg("turnId"),
        session_id: arg("sessionId"),
        user_id: arg("userId"),
        user_message_id: arg("messageId"),
        client_message_id: arg("clientMessageId"),
        accepted_seq: arg<number>("acceptedSeq"),
        state: arg("state"),
        attempts: arg<number>("attempts"),
        epoch: arg<number>("epoch"),
        created_at_ms: arg<number>("nowMs"),
        started_at_ms: arg<number | null>("startedAtMs"),
        instance_id: arg<string | null>("instanceId"),
      })
      .onConflict((conflict) => conflict.columns(["user_id", "client_message_id"]).doNothing()),
  ),
  findTurn: compile<TurnRow>(
    builder.selectFrom("turn").selectAll().where("turn_id", "=", arg("turnId")),
  ),
  /** By their messages, which are clustered by session: turns are not. */
  listTurnsOfSession: compile<TurnRow>(
    builder
      .selectFrom("message")
      .innerJoin("turn", "turn.turn_id", "message.turn_id")
      .selectAll("turn")
      .where("message.session_id", "=", arg("sessionId"))
      .where("message.position", "=", 0)
      .where("message.turn_id", "<", arg("before"))
      .orderBy("message.turn_id", "desc")
      .limit(arg<number>("limit")),
  ),
  listTurns: compile<TurnRow>(turns(ID_OF.sqlite), turns(ID_OF.postgres)),
  findTurnByClientMessage: compile<TurnRow>(
    builder
      .selectFrom("turn")
      .selectAll()
      .where("user_id", "=", arg("userId"))
      .where("client_message_id", "=", arg("clientMessageId")),
  ),
  beginTurn: compile(
    builder
      .updateTable("turn")
      .set((turn) => ({
        state: "running",
        attempts: turn("attempts", "+", 1),
        epoch: arg<number>("epoch"),
        instance_id: arg("instanceId"),
        started_at_ms: arg<number>("nowMs"),
      }))
      .where("turn_id", "=", arg("turnId"))
      .where("state", "=", QUEUED),
  ),
  /** The first turns of sessions in which none runs; another instance's claim is passed over. */
  findClaimable: compile(claimable(), claimable().forUpdate("turn").skipLocked()),
  findClaimableOfSession: compile(
    claimable().where("turn.session_id", "=", arg("sessionId")),
    claimable().where("turn.session_id", "=", arg("sessionId")).forUpdate("turn").skipLocked(),
  ),
  /** A row where the run still owns the turn. */
  findOwnedTurn: compile(ownedTurn(), ownedTurn().forNoKeyUpdate()),
  endTurn: compile(
    builder
      .updateTable("turn")
      .set({
        state: arg("state"),
        ended_at_ms: arg<number>("endedAtMs"),
        failure_code: arg<string | null>("failureCode"),
        failure_message: arg<string | null>("failureMessage"),
      })
      .where("turn_id", "=", arg("turnId"))
      .where("state", "=", RUNNING)
      .where("epoch", "=", arg<number>("epoch")),
  ),
  requeueTurn: compile(
    builder.updateTable("turn").set({ state: "queued" }).where("turn_id", "=", arg("turnId")),
  ),
  /** Running turns of instances whose lease has ended. */
  findOrphans: compile(orphans(NOW_MS.sqlite), orphans(NOW_MS.postgres).forUpdate().skipLocked()),
  findRunningOf: compile(runningOf(), runningOf().forUpdate()),
  cancelTurn: compile(
    builder
      .updateTable("turn")
      .set({ is_cancelled: 1 })
      .where("turn_id", "=", arg("turnId"))
      .where("state", "in", OPEN_STATES),
  ),
  listOpenTurnsOfSession: compile<TurnRow>(
    builder
      .selectFrom("turn")
      .selectAll()
      .where("session_id", "=", arg("sessionId"))
      .where("state", "in", OPEN_STATES)
      .orderBy("turn_id"),
  ),
  insertTask: compile(
    builder
      .insertInto("task")
      .values({
        turn_id: arg("turnId"),
        task_id: arg("taskId"),
        tool_call_id: arg("toolCallId"),
        skill: arg("skill"),
        tool: arg("tool"),
        skill_digest: arg("skillDigest"),
        policy_hash: arg("policyHash"),
        input_json: arg("inputJson"),
        state: arg("state"),
        output_json: arg<string | null>("outputJson"),
        failure_code: arg<string | null>("failureCode"),
        failure_message: arg<string | null>("failureMessage"),
        wall_ms: arg<number>("wallMs"),
        cpu_ms: arg<number>("cpuMs"),
        memory_mib: arg<number>("memoryMiB"),
        output_bytes: arg<number>("outputBytes"),
        created_at_ms: arg<number>("createdAtMs"),
        ended_at_ms: arg<number | null>("endedAtMs"),
        user_id: arg("userId"),
        session_id: arg<string | null>("sessionId"),
        schedule_id: arg<string | null>("scheduleId"),
        started_at_ms: arg<number | null>("startedAtMs"),
      })
      .onConflict((conflict) =>
        conflict.columns(["turn_id", "task_id"]).doUpdateSet((excluded) => ({
          skill_digest: excluded.ref("excluded.skill_digest"),
          policy_hash: excluded.ref("excluded.policy_hash"),
          state: excluded.ref("excluded.state"),
          output_json: excluded.ref("excluded.output_json"),
          failure_code: excluded.ref("excluded.failure_code"),
          failure_message: excluded.ref("excluded.failure_message"),
          wall_ms: excluded.ref("excluded.wall_ms"),
          cpu_ms: excluded.ref("excluded.cpu_ms"),
          memory_mib: excluded.ref("excluded.memory_mib"),
          output_bytes: excluded.ref("excluded.output_bytes"),
          ended_at_ms: excluded.ref("excluded.ended_at_ms"),
        })),
      ),
  ),
  /** Ends the tasks that a dead run had begun. */
  interruptTasks: compile(
    builder
      .updateTable("task")
      .set({
        state: "failed",
        failure_code: "interrupted",
        failure_message: "Nexflow stopped during this call",
        ended_at_ms: arg<number>("nowMs"),
      })
      .where("turn_id", "=", arg("turnId"))
      .where("state", "=", RUNNING),
  ),
  nextEpoch: compile<{ value: number }>(
    builder
      .updateTable("counter")
      .set((counter) => ({ value: counter("value", "+", 1) }))
      .where("name", "=", "epoch")
      .returning("value"),
  ),
};

function claimable() {
  return builder
    .selectFrom("turn")
    .innerJoin("session", "session.session_id", "turn.session_id")
    .innerJoin("message", (join) =>
      join
        .onRef("message.session_id", "=", "turn.session_id")
        .onRef("message.turn_id", "=", "turn.turn_id")
        .on("message.position", "=", 0),
    )
    .selectAll("turn")
    .select(["session.head_seq", "message.parts_json"])
    .where("turn.state", "=", QUEUED)
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom("turn as earlier")
            .select("earlier.turn_id")
            .whereRef("earlier.session_id", "=", "turn.session_id")
            .where("earlier.state", "in", OPEN_STATES)
            // One that runs may be a later one: it was accepted while the session was idle for a
            // moment, between the look and the commit of this one.
            .where((where) =>
              where.or([
                where("earlier.turn_id", "<", where.ref("turn.turn_id")),
                where("earlier.state", "=", RUNNING),
              ]),
            ),
        ),
      ),
    )
    .orderBy("turn.turn_id")
    .limit(arg<number>("limit"));
}

function orphans(nowMs: RawBuilder<number>) {
  return builder
    .selectFrom("turn")
    .selectAll()
    .where("state", "=", RUNNING)
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom("instance")
            .select("instance.instance_id")
            .whereRef("instance.instance_id", "=", "turn.instance_id")
            .where("expires_at_ms", ">", nowMs),
        ),
      ),
    )
    .orderBy("turn_id")
    .limit(arg<number>("limit"));
}

function runningOf() {
  return builder
    .selectFrom("turn")
    .selectAll()
    .where("turn_id", "=", arg("turnId"))
    .where("state", "=", RUNNING)
    .where("instance_id", "=", arg("instanceId"));
}

function ownedTurn() {
  return builder
    .selectFrom("turn")
    .select("turn_id")
    .where("turn_id", "=", arg("turnId"))
    .where("state", "=", RUNNING)
    .where("epoch", "=", arg<number>("epoch"));
}

function turns(ids: RawBuilder<string>) {
  return builder.selectFrom("turn").selectAll().where("turn_id", "in", ids);
}
