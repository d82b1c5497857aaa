import { type Selectable, sql } from "kysely";
import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";

export const callRecordQueries = {
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
  deleteHostCallsOfCall: compile(
    builder.deleteFrom("host_call").where("call_id", "=", arg("callId")),
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
};

/** Two selects, each answered at one end of the index; one would read the whole table. */
function selectRange(table: "skill_call" | "host_call") {
  const at = (end: "min" | "max") =>
    builder
      .selectFrom(table)
      .select(({ fn }) => fn[end]<number | null>("record_id").as("record_id"));
  return builder.selectNoFrom([at("min").as("first"), at("max").as("last")]);
}
