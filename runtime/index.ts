export type { Kv, KvEntry, KvQuota, KvSetResult, KvSpace } from "./broker/kv.ts";
export type {
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
export type { Mode, Ruling, Verdict } from "./policy/grants.ts";
export { type Limits, limitsSchema } from "./policy/limits.ts";
export { PolicyError } from "./policy/policy-error.ts";
export type { AttackGroup } from "./proof/attack.ts";
export {
  type ProofEvent,
  type ProofOptions,
  type ProofSummary,
  proveSandbox,
} from "./proof/prove-sandbox.ts";
export type { JsonValue } from "./protocol.ts";
export type {
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
export { openRuntime } from "./supervisor/open-runtime.ts";
export { type Protection, probeProtections } from "./supervisor/probe-protections.ts";
