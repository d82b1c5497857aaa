import type { RawBuilder, Selectable } from "kysely";
import { ID_OF } from "../dialects/id-of.ts";
import { NOW_MS } from "../dialects/now-ms.ts";
import { liveInstance } from "../live-instance.ts";
import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";
import { OPEN_STATES, QUEUED, RUNNING, WAITING } from "../turn-states.ts";
import { userContextVersion } from "../user-context-version.ts";

type TurnRow = Selectable<Schema["turn"]>;

/** What is not there is null. */
type ControlsRow = { readonly [column in keyof TurnRow]: TurnRow[column] | null } & {
  readonly head_seq: number;
  readonly session_model: string | null;
  readonly untrusted_from: string | null;
  readonly private_from: string | null;
  readonly parts_json: string | null;
  readonly brake_since_ms: number | null;
  readonly brake_user_id: string | null;
  readonly brake_reason: string | null;
  readonly context_version: number;
  readonly user_context_version: number;
};

/** Messages that one look between two steps gives at most. */
const STEERING_MOST = 20;

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
        model: arg<string | null>("model"),
        mode: arg("mode"),
        parent_turn_id: arg<string | null>("parentTurnId"),
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
  /** A row where the run still owns the turn; and whether people are still asked for it. */
  findOwnedTurn: compile(ownedTurn(), ownedTurn().forNoKeyUpdate()),
  endTurn: compile(
    ownedUpdate().set((turn) => ({
      state: arg("state"),
      ended_at_ms: arg<number>("endedAtMs"),
      failure_code: arg<string | null>("failureCode"),
      failure_message: arg<string | null>("failureMessage"),
      ran_ms: turn("ran_ms", "+", arg<number>("ranMs")),
    })),
  ),
  /** Where nothing is left to wait for, it is queued at once. */
  pauseTurn: compile(
    ownedUpdate().set((turn) => ({
      state: turn
        .case()
        .when(turn.and([turn("is_cancelled", "=", 0), turn.exists(pendingApproval())]))
        .then(WAITING)
        .else(QUEUED)
        .end(),
      waiting_since_ms: arg<number>("sinceMs"),
      pauses: turn("pauses", "+", 1),
      ran_ms: turn("ran_ms", "+", arg<number>("ranMs")),
    })),
  ),
  addTimeToTurn: compile(
    ownedUpdate().set((turn) => ({ ran_ms: turn("ran_ms", "+", arg<number>("ranMs")) })),
  ),
  /** Ends a turn that waits for its run: its message is another turn's. */
  joinTurn: compile(
    builder
      .updateTable("turn")
      .set({
        state: "completed",
        ended_at_ms: arg<number>("nowMs"),
        joined_turn_id: arg("turnId"),
      })
      .where("turn_id", "=", arg("joinedTurnId"))
      .where("session_id", "=", arg("sessionId"))
      .where("state", "=", QUEUED)
      .where("is_cancelled", "=", 0),
  ),
  /** Of a turn that waits for its run: all that go on from it do so too. */
  moveParents: compile(
    builder
      .updateTable("turn")
      .set({ parent_turn_id: arg("turnId") })
      .where("session_id", "=", arg("sessionId"))
      .where("state", "in", OPEN_STATES)
      .where("parent_turn_id", "=", arg("joinedTurnId")),
  ),
  /** Nobody else decides on what the turn waits for. */
  lockTurn: compile<Pick<TurnRow, "turn_id">>(oneTurn(), oneTurn().forUpdate()),
  findPendingApproval: compile<{ approval_id: string }>(pendingApproval()),
  resumeTurn: compile(
    builder
      .updateTable("turn")
      .set({ state: "queued" })
      .where("turn_id", "=", arg("turnId"))
      .where("state", "=", WAITING),
  ),
  insertEndedTurn: compile(
    builder
      .insertInto("turn")
      .values({
        turn_id: arg("turnId"),
        session_id: arg("sessionId"),
        user_id: arg("userId"),
        user_message_id: arg("messageId"),
        client_message_id: arg("clientMessageId"),
        accepted_seq: 0,
        state: "completed",
        attempts: 0,
        epoch: 0,
        created_at_ms: arg<number>("nowMs"),
        ended_at_ms: arg<number>("nowMs"),
      })
      .onConflict((conflict) => conflict.doNothing()),
  ),
  /** The brake, and messages that may join a turn, in one row or more. */
  readControls: compile<ControlsRow>(
    builder
      .selectFrom("session")
      .leftJoin("brake", (join) => join.on("brake.brake_id", "=", 1))
      .leftJoin("turn", (join) =>
        join
          .onRef("turn.session_id", "=", "session.session_id")
          .on("turn.state", "in", OPEN_STATES)
          .on("turn.state", "=", QUEUED)
          .on("turn.mode", "=", "steer")
          .on("turn.is_cancelled", "=", 0)
          // One that goes on from elsewhere is none of this turn's branch.
          .on("turn.parent_turn_id", "is", null)
          .on("turn.turn_id", ">", arg("turnId")),
      )
      .leftJoin("message", (join) =>
        join
          .onRef("message.session_id", "=", "turn.session_id")
          .onRef("message.turn_id", "=", "turn.turn_id")
          .on("message.position", "=", 0),
      )
      .selectAll("turn")
      .select([
        "brake.since_ms as brake_since_ms",
        "brake.user_id as brake_user_id",
        "brake.reason as brake_reason",
        "session.head_seq",
        "session.model as session_model",
        "session.untrusted_from",
        "session.private_from",
        "session.context_version",
        "message.parts_json",
      ])
      .select(userContextVersion)
      .where("session.session_id", "=", arg("sessionId"))
      .orderBy("turn.turn_id")
      .limit(STEERING_MOST),
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
    .select([
      "session.head_seq",
      "session.model as session_model",
      "session.untrusted_from",
      "session.private_from",
      "session.context_version",
      "message.parts_json",
    ])
    .select(userContextVersion)
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
                where("earlier.state", "in", [RUNNING, WAITING]),
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
    .where((where) => where.not(where.exists(liveInstance("turn.instance_id", nowMs))))
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

function ownedUpdate() {
  return builder
    .updateTable("turn")
    .where("turn_id", "=", arg("turnId"))
    .where("state", "=", RUNNING)
    .where("epoch", "=", arg<number>("epoch"));
}

function oneTurn() {
  return builder.selectFrom("turn").select("turn_id").where("turn_id", "=", arg("turnId"));
}

function pendingApproval() {
  return builder
    .selectFrom("approval")
    .select("approval.approval_id")
    .where("approval.turn_id", "=", arg("turnId"))
    .where("approval.state", "=", "pending")
    .limit(1);
}

function ownedTurn() {
  return builder
    .selectFrom("turn")
    .select(["turn_id", "user_id", "ran_ms"])
    .select((turn) =>
      turn
        .selectFrom("approval")
        .select("approval.approval_id")
        .whereRef("approval.turn_id", "=", "turn.turn_id")
        .where("approval.state", "=", "pending")
        .limit(1)
        .as("pending_approval_id"),
    )
    .where("turn_id", "=", arg("turnId"))
    .where("state", "=", RUNNING)
    .where("epoch", "=", arg<number>("epoch"));
}

function turns(ids: RawBuilder<string>) {
  return builder.selectFrom("turn").selectAll().where("turn_id", "in", ids);
}
