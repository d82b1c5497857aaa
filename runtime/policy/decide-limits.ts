import { CEILING_PATHS, toLimits } from "./ceiling.ts";
import { type Limits, PLATFORM_LIMITS } from "./limits.ts";
import type { SkillFacts } from "./match-policy.ts";
import { ruleOf, type SandboxPolicy } from "./sandbox-policy.ts";

export interface LimitCandidate {
  readonly value: number;
  readonly rule: string;
}

/** Who sets a limit, the lowest first: it holds, in every mode. */
export function listLimitCandidates(
  name: keyof Limits,
  policy: SandboxPolicy,
  { limits }: Pick<SkillFacts, "limits">,
): readonly [LimitCandidate, ...LimitCandidate[]] {
  const ceiling = {
    value: toLimits(policy.ceiling)[name],
    rule: ruleOf(policy, CEILING_PATHS[name]),
  };
  const platform = { value: PLATFORM_LIMITS[name], rule: `platform: ${name}` };
  const asked = limits?.[name];
  const manifest = asked === undefined ? [] : [{ value: asked, rule: `manifest: limits.${name}` }];
  const all = [ceiling, ...manifest, platform].toSorted((one, other) => one.value - other.value);
  const [lowest = ceiling, ...others] = all;
  return [lowest, ...others];
}

export function mapLimits<T>(toValue: (name: keyof Limits) => T): Record<keyof Limits, T> {
  return {
    wallMs: toValue("wallMs"),
    cpuMs: toValue("cpuMs"),
    memoryMiB: toValue("memoryMiB"),
    outputKiB: toValue("outputKiB"),
    logKiB: toValue("logKiB"),
    hostCalls: toValue("hostCalls"),
    hostCallsPerSecond: toValue("hostCallsPerSecond"),
    hostCallsAtOnce: toValue("hostCallsAtOnce"),
    callsPerSkill: toValue("callsPerSkill"),
    callsPerUser: toValue("callsPerUser"),
    queueMs: toValue("queueMs"),
  };
}
