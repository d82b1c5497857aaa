import type { CallRecord, HostCallRecord } from "../../runtime/index.ts";

/** A record as the runtime gives it, but for what `parts` say. */
export function callRecord(parts: Partial<CallRecord> = {}): CallRecord {
  return {
    callId: "call-1",
    skill: { name: "notes", version: "1.0.0", digest: "d1" },
    tool: "add",
    userId: "ada",
    policyHash: "p1",
    seed: "00",
    startMs: 1,
    inputHash: "i1",
    inputBytes: 2,
    outcome: "ok",
    usage: { wallMs: 1.5, cpuMs: 0.5, memoryMiB: 2, outputBytes: 3 },
    hostCalls: 1,
    ...parts,
  };
}

export function hostCallRecord(parts: Partial<HostCallRecord> = {}): HostCallRecord {
  return {
    callId: "call-1",
    skillDigest: "d1",
    seq: 1,
    name: "clock",
    decision: "allowed",
    rule: "default.yaml:21: grants.clock",
    policyHash: "p1",
    ms: 0.1,
    argsHash: "a1",
    argsBytes: 4,
    resultHash: "r1",
    resultBytes: 13,
    ...parts,
  };
}
