import { describe, test } from "vitest";
import type { CallRecord, InvokeResult, SkillError } from "../../../../runtime/index.ts";
import type { AttackEvidence } from "../../../../runtime/proof/attack.ts";
import { type JudgedAttack, judgeCall } from "../../../../runtime/proof/judge-call.ts";
import { gives } from "../../../../runtime/proof/verify.ts";

const USAGE = { wallMs: 1, cpuMs: 1, memoryMiB: 1, outputBytes: 1 };
const POLICY = { usage: USAGE, policyHash: "hash" };
const attack: JudgedAttack = {
  name: "attack",
  group: "cpu",
  about: "Attacks",
  skill: { limits: { wallMs: 300 } },
  expect: ["wall-time", "denied", "ok"],
  verify: gives([]),
};

const NO_NETWORK = { visits: [], secret: undefined };
const RECORD: CallRecord = {
  callId: "call",
  skill: { name: "attack", version: "1.0.0", digest: "digest" },
  tool: "try-it",
  userId: "mallory",
  policyHash: "hash",
  seed: "",
  startMs: 0,
  inputHash: "",
  inputBytes: 2,
  outcome: "ok",
  usage: USAGE,
  hostCalls: 0,
};

const stopped: SkillError = {
  code: "wall-time",
  message: "The skill ran too long",
  limit: 300,
  used: 301,
  rule: "manifest: limits.wallMs",
};

describe("judgeCall()", () => {
  test.for<[string, InvokeResult]>([
    ["the limit it asked for", failed(stopped)],
    ["a lower limit of a policy", failed({ ...stopped, limit: 200, rule: "strict.yaml:9: x" })],
    ["an output found harmless", ok([])],
    ["a denial by a policy", failed({ code: "denied", message: "", rule: "a.yaml:9: grants" })],
  ])("holds with %s", ([, result], { expect }) => {
    expect(judge(result)).toEqual([]);
  });

  test.for<[string, InvokeResult, string]>([
    [
      "another end",
      failed({ code: "crashed", message: "gone" }),
      "a call ended with crashed: gone",
    ],
    ["a harmful output", ok(["process"]), 'it gave ["process"], expected []'],
    ["an unnamed limit", failed({ code: "wall-time", message: "" }), "does not name its limit"],
    ["less used than allowed", failed({ ...stopped, used: 299 }), "tells of 299 used of 300"],
    ["a limit that was raised", failed({ ...stopped, limit: 301 }), "it asked for 300"],
    ["a wrong rule", failed({ ...stopped, limit: 200 }), 'set by "manifest: limits.wallMs"'],
    ["a denial without a rule", failed({ code: "denied", message: "" }), "names no rule"],
  ])("is a breach with %s", ([, result, fault], { expect }) => {
    expect(judge(result)).toEqual([expect.stringContaining(fault)]);
  });

  test("takes what the operator's policy denies as contained, whatever was expected", ({
    expect,
  }) => {
    const result = failed({ code: "denied", message: "", rule: "strict.yaml:12: grants.log" });
    expect(judge(result, { ...attack, expect: ["memory"] })).toEqual([]);
  });

  test("wants every host call on record, under the policy that decided", ({ expect }) => {
    const record = {
      callId: "call",
      skillDigest: "digest",
      seq: 1,
      name: "log",
      decision: "allowed",
      rule: "default.yaml: grants.log",
      policyHash: "hash",
      ms: 0,
      argsHash: "",
      argsBytes: 0,
      resultHash: "",
      resultBytes: 0,
    } as const;
    expect(judge(ok([]), attack, [record, { ...record, seq: 2 }])).toEqual([]);
    expect(judge(ok([]), attack, [record, { ...record, seq: 3 }])).toEqual([
      "host call 2 is not on record",
    ]);
    expect(judge(ok([]), attack, [{ ...record, policyHash: "other" }])).toEqual([
      "a host call is recorded under another policy's hash",
    ]);
  });
});

test("judgeCall() wants the call on record as it ended", ({ expect }) => {
  const evidence = {
    index: 0,
    result: ok([]),
    hostCalls: [],
    logs: [],
    earlier: [],
    ...NO_NETWORK,
  };
  expect(judgeCall(attack, { ...evidence, record: undefined })).toEqual([
    "the call is not on record",
  ]);
  expect(judgeCall(attack, { ...evidence, record: { ...RECORD, outcome: "failed" } })).toEqual([
    "the call is on record as failed",
  ]);
  expect(judgeCall(attack, { ...evidence, record: { ...RECORD, hostCalls: 1 } })).toEqual([
    "1 host calls are counted and 0 on record",
  ]);
});

function judge(
  result: InvokeResult,
  judged: JudgedAttack = attack,
  hostCalls: AttackEvidence["hostCalls"] = [],
): readonly string[] {
  const outcome = result.kind === "ok" ? "ok" : result.error.code;
  return judgeCall(judged, {
    index: 0,
    result,
    record: { ...RECORD, outcome, hostCalls: hostCalls.length },
    hostCalls,
    logs: [],
    earlier: [],
    ...NO_NETWORK,
  });
}

function failed(error: SkillError): InvokeResult {
  return { kind: "error", error, ...POLICY };
}

function ok(output: readonly string[]): InvokeResult {
  return { kind: "ok", output, ...POLICY };
}
