import type { EffectivePolicy } from "../policy/effective-policy.ts";
import type { ServedHostCall } from "../protocol.ts";
import { GRANT_OF } from "../protocol.ts";
import type { HostCallRecord } from "../runtime.ts";

export interface RecordedCall {
  readonly callId: string;
  readonly skillDigest: string;
  readonly policy: Extract<EffectivePolicy, { kind: "granted" }>;
}

/**
 * The records of the host calls that a sandbox process served on its own. What was allowed is
 * decided here once more: a process in a guest's hands cannot write "allowed" for what is not.
 */
export function toHostCallRecords(
  served: readonly ServedHostCall[],
  { callId, skillDigest, policy }: RecordedCall,
): readonly HostCallRecord[] {
  return served.map(({ name, ms }, index) => ({
    callId,
    skillDigest,
    seq: index + 1,
    name,
    decision: policy.grants[GRANT_OF[name]] ? "allowed" : "denied",
    rule: policy.grantRules[GRANT_OF[name]],
    policyHash: policy.hash,
    ms,
  }));
}
