import { type Selectable, sql } from "kysely";
import { arg, builder, compile } from "./query-builder.ts";
import type { Schema } from "./schema.ts";

const OPEN_STATES = ["queued", "running"];

/** Every statement of the store, compiled once. Arguments are named as the columns, in camel case. */
export const queries = {
  insertUser: compile(
    builder
      .insertInto("user")
      .values({
        user_id: arg("userId"),
        name: arg("name"),
        role: arg("role"),
        created_at_ms: arg<number>("createdAtMs"),
      })
      .onConflict((conflict) => conflict.doNothing()),
  ),
  findUser: compile<Schema["user"]>(
    builder.selectFrom("user").selectAll().where("user_id", "=", arg("userId")),
  ),

  insertCredential: compile(
    builder
      .insertInto("credential")
      .values({
        hash: arg("hash"),
        kind: arg("kind"),
        user_id: arg("userId"),
        label: arg("label"),
        created_at_ms: arg<number>("createdAtMs"),
        expires_at_ms: arg<number | null>("expiresAtMs"),
      })
      .onConflict((conflict) => conflict.doNothing()),
  ),
  deleteCredential: compile(builder.deleteFrom("credential").where("hash", "=", arg("hash"))),
  deleteTokensLabelled: compile(
    builder.deleteFrom("credential").where("kind", "=", "token").where("label", "=", arg("label")),
  ),
  deleteExpiredCredentials: compile(
    builder.deleteFrom("credential").where("expires_at_ms", "<=", arg<number>("nowMs")),
  ),
  findUserByCredential: compile<Schema["user"]>(
    builder
      .selectFrom("credential")
      .innerJoin("user", "user.user_id", "credential.user_id")
      .selectAll("user")
      .where("hash", "=", arg("hash"))
      .where("kind", "=", arg("kind"))
      .where((where) =>
        where.or([
          where("expires_at_ms", "is", null),
          where("expires_at_ms", ">", arg<number>("nowMs")),
        ]),
      ),
  ),
  findAnyToken: compile<{ hash: string }>(
    builder.selectFrom("credential").select("hash").where("kind", "=", "token").limit(1),
  ),

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
  findSession: compile<Schema["session"]>(
    builder.selectFrom("session").selectAll().where("session_id", "=", arg("sessionId")),
  ),
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
  listSessions: compile<Schema["session"]>(
    builder
      .selectFrom("session")
      .selectAll()
      .where("user_id", "=", arg("userId"))
      .where("updated_at_ms", "<", arg<number>("beforeMs"))
      .orderBy("updated_at_ms", "desc")
      .limit(arg<number>("limit")),
  ),
  deleteSession: compile(builder.deleteFrom("session").where("session_id", "=", arg("sessionId"))),
  deleteSessionMessages: compile(
    builder.deleteFrom("message").where("session_id", "=", arg("sessionId")),
  ),
  deleteSessionTasks: compile(
    builder
      .deleteFrom("task")
      .where("turn_id", "in", (turns) =>
        turns.selectFrom("turn").select("turn_id").where("session_id", "=", arg("sessionId")),
      ),
  ),
  deleteSessionTurns: compile(
    builder.deleteFrom("turn").where("session_id", "=", arg("sessionId")),
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

  insertTurn: compile(
    builder.insertInto("turn").values({
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
    }),
  ),
  findTurn: compile<Schema["turn"]>(
    builder.selectFrom("turn").selectAll().where("turn_id", "=", arg("turnId")),
  ),
  findTurnByClientMessage: compile<Schema["turn"]>(
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
        started_at_ms: arg<number>("nowMs"),
      }))
      .where("turn_id", "=", arg("turnId"))
      .where("state", "=", "queued"),
  ),
  /** A row where the run still owns the turn. */
  findOwnedTurn: compile<{ turn_id: string }>(
    builder
      .selectFrom("turn")
      .select("turn_id")
      .where("turn_id", "=", arg("turnId"))
      .where("state", "=", "running")
      .where("epoch", "=", arg<number>("epoch")),
  ),
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
      .where("state", "=", "running")
      .where("epoch", "=", arg<number>("epoch")),
  ),
  requeueTurn: compile(
    builder.updateTable("turn").set({ state: "queued" }).where("turn_id", "=", arg("turnId")),
  ),
  listOpenTurns: compile<Schema["turn"]>(
    builder.selectFrom("turn").selectAll().where("state", "in", OPEN_STATES).orderBy("turn_id"),
  ),
  listOpenTurnsOfSession: compile<Schema["turn"]>(
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
      .where("state", "=", "running"),
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
  /** The segment that holds event `seq`, if one does. */
  findSegmentAt: compile<Schema["event_segment"]>(
    builder
      .selectFrom("event_segment")
      .selectAll()
      .where("session_id", "=", arg("sessionId"))
      .where("first_seq", "<=", arg<number>("seq"))
      .orderBy("first_seq", "desc")
      .limit(1),
  ),
  listSegmentsAfter: compile<Schema["event_segment"]>(
    builder
      .selectFrom("event_segment")
      .selectAll()
      .where("session_id", "=", arg("sessionId"))
      .where("last_seq", ">", arg<number>("after"))
      .orderBy("first_seq")
      .limit(arg<number>("limit")),
  ),

  findSkillSpace: compile<{ keys: number; bytes: number }>(
    builder
      .selectFrom("skill_kv_space")
      .select(["keys", "bytes"])
      .where("skill", "=", arg("skill"))
      .where("user_id", "=", arg("userId")),
  ),
  saveSkillSpace: compile(
    builder
      .insertInto("skill_kv_space")
      .values({
        skill: arg("skill"),
        user_id: arg("userId"),
        keys: arg<number>("keys"),
        bytes: arg<number>("bytes"),
      })
      .onConflict((conflict) =>
        conflict.columns(["skill", "user_id"]).doUpdateSet((excluded) => ({
          keys: excluded.ref("excluded.keys"),
          bytes: excluded.ref("excluded.bytes"),
        })),
      ),
  ),
  findSkillValue: compile<{ value: Uint8Array }>(
    builder
      .selectFrom("skill_kv")
      .select("value")
      .where("skill", "=", arg("skill"))
      .where("user_id", "=", arg("userId"))
      .where("key", "=", arg<Uint8Array>("key")),
  ),
  findSkillValueSize: compile<{ bytes: number }>(
    builder
      .selectFrom("skill_kv")
      .select("bytes")
      .where("skill", "=", arg("skill"))
      .where("user_id", "=", arg("userId"))
      .where("key", "=", arg<Uint8Array>("key")),
  ),
  saveSkillValue: compile(
    builder
      .insertInto("skill_kv")
      .values({
        skill: arg("skill"),
        user_id: arg("userId"),
        key: arg<Uint8Array>("key"),
        bytes: arg<number>("bytes"),
        value: arg<Uint8Array>("value"),
      })
      .onConflict((conflict) =>
        conflict.columns(["skill", "user_id", "key"]).doUpdateSet((excluded) => ({
          bytes: excluded.ref("excluded.bytes"),
          value: excluded.ref("excluded.value"),
        })),
      ),
  ),
  deleteSkillValue: compile(
    builder
      .deleteFrom("skill_kv")
      .where("skill", "=", arg("skill"))
      .where("user_id", "=", arg("userId"))
      .where("key", "=", arg<Uint8Array>("key")),
  ),
  listSkillKeys: compile<{ key: Uint8Array }>(
    builder
      .selectFrom("skill_kv")
      .select("key")
      .where("skill", "=", arg("skill"))
      .where("user_id", "=", arg("userId"))
      .where("key", ">=", arg<Uint8Array>("from"))
      .where("key", "<", arg<Uint8Array>("before"))
      .orderBy("key")
      .limit(arg<number>("limit")),
  ),

  insertSkillCall: compile(
    builder.insertInto("skill_call").values({
      recorded_at_ms: arg<number>("recordedAtMs"),
      call_id: arg("callId"),
      skill: arg("skill"),
      skill_version: arg("skillVersion"),
      skill_digest: arg("skillDigest"),
      tool: arg("tool"),
      user_id: arg("userId"),
      policy_hash: arg("policyHash"),
      seed: arg("seed"),
      start_ms: arg<number>("startMs"),
      input_hash: arg("inputHash"),
      input_bytes: arg<number>("inputBytes"),
      outcome: arg("outcome"),
      rule: arg<string | null>("rule"),
      wall_ms: arg<number>("wallMs"),
      cpu_ms: arg<number>("cpuMs"),
      memory_mib: arg<number>("memoryMiB"),
      output_bytes: arg<number>("outputBytes"),
      host_calls: arg<number>("hostCalls"),
    }),
  ),
  insertHostCall: compile(
    builder.insertInto("host_call").values({
      recorded_at_ms: arg<number>("recordedAtMs"),
      call_id: arg("callId"),
      skill: arg("skill"),
      skill_digest: arg("skillDigest"),
      seq: arg<number>("seq"),
      name: arg("name"),
      decision: arg("decision"),
      rule: arg("rule"),
      policy_hash: arg("policyHash"),
      ms: arg<number>("ms"),
      args_hash: arg("argsHash"),
      args_bytes: arg<number>("argsBytes"),
      result_hash: arg("resultHash"),
      result_bytes: arg<number>("resultBytes"),
      args_json: arg<string | null>("argsJson"),
      result_json: arg<string | null>("resultJson"),
    }),
  ),
  /** The first and the last record there is; null where there is none. */
  findSkillCallRange: compile(selectRange("skill_call")),
  findHostCallRange: compile(selectRange("host_call")),
  deleteSkillCallsTo: compile(
    builder.deleteFrom("skill_call").where("record_id", "<=", arg<number>("recordId")),
  ),
  deleteHostCallsTo: compile(
    builder.deleteFrom("host_call").where("record_id", "<=", arg<number>("recordId")),
  ),
  /** Latest first; an empty `skill` is any. */
  listSkillCalls: compile<Selectable<Schema["skill_call"]>>(
    builder
      .selectFrom("skill_call")
      .selectAll()
      .where(sql<boolean>`${arg("skill")} in ('', skill)`)
      .where(sql<boolean>`(${arg<number>("isDenied")} = 0 or outcome = 'denied')`)
      .orderBy("record_id", "desc")
      .limit(arg<number>("limit")),
  ),
  listHostCalls: compile<Selectable<Schema["host_call"]>>(
    builder
      .selectFrom("host_call")
      .selectAll()
      .where(sql<boolean>`${arg("skill")} in ('', skill)`)
      .where(sql<boolean>`(${arg<number>("isDenied")} = 0 or decision <> 'allowed')`)
      .orderBy("record_id", "desc")
      .limit(arg<number>("limit")),
  ),

  nextEpoch: compile<{ value: number }>(
    builder
      .updateTable("counter")
      .set((counter) => ({ value: counter("value", "+", 1) }))
      .where("name", "=", "epoch")
      .returning("value"),
  ),
} as const;

/** Two selects, each answered at one end of the index; one would read the whole table. */
function selectRange(table: "skill_call" | "host_call") {
  const at = (end: "min" | "max") =>
    builder
      .selectFrom(table)
      .select(({ fn }) => fn[end]<number | null>("record_id").as("record_id"));
  return builder.selectNoFrom([at("min").as("first"), at("max").as("last")]);
}
