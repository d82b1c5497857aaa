import type { CallRecord, HostCallRecord } from "../../../runtime/index.ts";
import type { QueryArgs } from "./query.ts";

/* The runtime's records as rows. */

export function skillCallToArgs(record: CallRecord, recordedAtMs: number): QueryArgs {
  const { skill, usage } = record;
  return {
    recordedAtMs,
    callId: record.callId,
    skill: skill.name,
    skillVersion: skill.version,
    skillDigest: skill.digest,
    tool: record.tool,
    userId: record.userId,
    policyHash: record.policyHash,
    seed: record.seed,
    startMs: record.startMs,
    inputHash: record.inputHash,
    inputBytes: record.inputBytes,
    outcome: record.outcome,
    rule: record.rule ?? null,
    ...usage,
    hostCalls: record.hostCalls,
  };
}

/** A record of a host call with the name of its skill. */
export interface NamedHostCall {
  readonly skill: string;
  readonly record: HostCallRecord;
}

export function hostCallToArgs({ skill, record }: NamedHostCall, recordedAtMs: number): QueryArgs {
  const { args, result, ...about } = record;
  return {
    ...about,
    recordedAtMs,
    skill,
    argsJson: args === undefined ? null : JSON.stringify(args),
    resultJson: result === undefined ? null : JSON.stringify(result),
  };
}
