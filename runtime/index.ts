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
export { type Limits, limitsSchema } from "./policy/limits.ts";
export { PolicyError } from "./policy/sandbox-policy.ts";
export type { JsonValue } from "./protocol.ts";
export type {
  HostCallRecord,
  ProcessStats,
  Runtime,
  RuntimeNotice,
  RuntimeOptions,
  RuntimeStats,
  SkillLog,
} from "./runtime.ts";
export { openRuntime } from "./supervisor/open-runtime.ts";
export { type Protection, probeProtections } from "./supervisor/probe-protections.ts";
