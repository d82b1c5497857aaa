import type { Selectable } from "kysely";
import { queries } from "../load-queries.ts";
import type { Schema } from "../schema.ts";
import { all, type Script } from "../script.ts";

export interface ListCalls {
  readonly skill: string | undefined;
  /** Only what a policy denied, or would have denied in mode enforce. */
  readonly isDenied: boolean;
  readonly limit: number;
}

/** A call of a skill, or one of a skill to its host, as it was recorded. */
export type RecordedCall = RecordedSkillCall | RecordedHostCall;

interface RecordedFacts {
  readonly recordedAtMs: number;
  readonly callId: string;
  readonly skill: string;
  readonly skillDigest: string;
  readonly policyHash: string;
}

export interface RecordedSkillCall extends RecordedFacts {
  readonly kind: "call";
  readonly version: string;
  readonly tool: string;
  readonly userId: string;
  /** "ok", or the code of the error that ended it. */
  readonly outcome: string;
  readonly rule: string | undefined;
  readonly seed: string;
  readonly startMs: number;
  readonly inputHash: string;
  readonly inputBytes: number;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly memoryMiB: number;
  readonly outputBytes: number;
  readonly hostCalls: number;
}

export interface RecordedHostCall extends RecordedFacts {
  readonly kind: "host-call";
  readonly seq: number;
  readonly name: string;
  readonly decision: string;
  readonly rule: string;
  readonly ms: number;
  readonly argsHash: string;
  readonly argsBytes: number;
  readonly resultHash: string;
  readonly resultBytes: number;
  /** Where the policy has values recorded, as JSON text. */
  readonly argsJson: string | undefined;
  readonly resultJson: string | undefined;
}

/** The latest `limit` records of both kinds, oldest first. */
export function* listCalls({
  skill = "",
  isDenied,
  limit,
}: ListCalls): Script<readonly RecordedCall[]> {
  const args = { skill, isDenied: isDenied ? 1 : 0, limit };
  const calls = (yield* all(queries.listSkillCalls, args)).map(skillCallFromRow);
  const hostCalls = (yield* all(queries.listHostCalls, args)).map(hostCallFromRow);
  // A host call is recorded before its call: sorting keeps that order within a millisecond.
  return [...hostCalls.toReversed(), ...calls.toReversed()]
    .toSorted((one, other) => one.recordedAtMs - other.recordedAtMs)
    .slice(-limit);
}

function skillCallFromRow(row: Selectable<Schema["skill_call"]>): RecordedSkillCall {
  return {
    kind: "call",
    recordedAtMs: row.recorded_at_ms,
    callId: row.call_id,
    skill: row.skill,
    version: row.skill_version,
    skillDigest: row.skill_digest,
    tool: row.tool,
    userId: row.user_id,
    outcome: row.outcome,
    rule: row.rule ?? undefined,
    policyHash: row.policy_hash,
    seed: row.seed,
    startMs: row.start_ms,
    inputHash: row.input_hash,
    inputBytes: row.input_bytes,
    wallMs: row.wall_ms,
    cpuMs: row.cpu_ms,
    memoryMiB: row.memory_mib,
    outputBytes: row.output_bytes,
    hostCalls: row.host_calls,
  };
}

function hostCallFromRow(row: Selectable<Schema["host_call"]>): RecordedHostCall {
  return {
    kind: "host-call",
    recordedAtMs: row.recorded_at_ms,
    callId: row.call_id,
    skill: row.skill,
    skillDigest: row.skill_digest,
    seq: row.seq,
    name: row.name,
    decision: row.decision,
    rule: row.rule,
    policyHash: row.policy_hash,
    ms: row.ms,
    argsHash: row.args_hash,
    argsBytes: row.args_bytes,
    resultHash: row.result_hash,
    resultBytes: row.result_bytes,
    argsJson: row.args_json ?? undefined,
    resultJson: row.result_json ?? undefined,
  };
}
