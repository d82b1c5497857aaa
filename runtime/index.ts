export type { Kv, KvEntry, KvQuota, KvSetResult, KvSpace } from "./broker/kv.ts";
export type {
  Effect,
  Engine,
  InvokeRequest,
  InvokeResult,
  SkillCode,
  SkillError,
  SkillErrorCode,
  ToolContract,
  Trust,
  Usage,
} from "./invoke.ts";
export { type Capabilities, capabilitiesSchema } from "./policy/capabilities.ts";
export type { CallDecision } from "./policy/decide-call.ts";
export { diffPolicies, type PolicyChange, type PolicyDiff } from "./policy/diff-policies.ts";
export { type CallExplanation, explainCall, parseCallQuestion } from "./policy/explain-call.ts";
export { explainPolicy, type PolicyExplanation } from "./policy/explain-policy.ts";
export type { Mode, Ruling, Verdict } from "./policy/grants.ts";
export { type Limits, limitsSchema } from "./policy/limits.ts";
export { formatFault, PolicyError, type PolicyFault } from "./policy/policy-error.ts";
export { readPolicies } from "./policy/read-policies.ts";
export type { SandboxPolicy } from "./policy/sandbox-policy.ts";
export { ProofError } from "./proof/proof-error.ts";
export {
  type ProofEvent,
  type ProofOptions,
  type ProofSummary,
  proveSandbox,
} from "./proof/prove-sandbox.ts";
export type { JsonValue } from "./protocol.ts";
export type {
  CallQuery,
  CallRecord,
  HostCallRecord,
  LayerState,
  ProcessStats,
  QuarantinedSkill,
  Runtime,
  RuntimeNotice,
  RuntimeOptions,
  RuntimeStats,
  SkillLog,
} from "./runtime.ts";
export { checkLayerNames } from "./supervisor/layers/missing-layers.ts";
export { openRuntime } from "./supervisor/open-runtime.ts";
export { type Protection, probeProtections } from "./supervisor/probe-protections.ts";
