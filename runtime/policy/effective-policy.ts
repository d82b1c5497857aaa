import type { SkillCode } from "../invoke.ts";
import { hashJson } from "./canonical-json.ts";
import { type Grants, type Mode, type Ruling, toRuling } from "./grants.ts";
import { type Limits, PLATFORM_LIMITS } from "./limits.ts";
import type { SandboxPolicy } from "./sandbox-policy.ts";

/** What a skill really has: platform ∩ policy ∩ manifest ∩ call, and which line decided. */
export type EffectivePolicy =
  | GrantedPolicy
  | {
      readonly kind: "denied";
      readonly message: string;
      readonly rule: string;
      readonly hash: string;
    };

export interface GrantedPolicy {
  readonly kind: "granted";
  readonly mode: Mode;
  readonly limits: Limits;
  readonly limitRules: Readonly<Record<keyof Limits, string>>;
  readonly grants: Grants;
  /** Whether calls of different users may run in one process, one after the other. */
  readonly users: "separate" | "shared";
  /** What records of host calls hold. */
  readonly record: "hashes" | "values";
  readonly hash: string;
}

type SkillFacts = Pick<SkillCode, "name" | "trust" | "capabilities" | "limits">;

/** The rights of `skill` under `policies`, most important first. No policy, no rights. */
export function toEffectivePolicy(
  policies: readonly SandboxPolicy[],
  skill: SkillFacts,
): EffectivePolicy {
  const policy = policies.find((each) => isMatch(each, skill));
  if (policy === undefined) {
    return denied(`No policy matches skill "${skill.name}" of trust "${skill.trust}"`, "no policy");
  }
  return granted(policy, skill);
}

function isMatch({ match }: SandboxPolicy, { name, trust }: SkillFacts): boolean {
  return match.trust.includes(trust) && match.skills.some((each) => each === "*" || each === name);
}

function granted(policy: SandboxPolicy, skill: SkillFacts): GrantedPolicy {
  const lowest = mapLimits((name) => lowestLimit(name, policy, skill));
  const limits = mapLimits((name) => lowest[name].value);
  const limitRules = mapLimits((name) => lowest[name].rule);
  const none = (name: string): Ruling => ({ verdict: "denied", rule: `platform: ${name}` });
  const grants: Grants = {
    log: toRuling(
      policy.mode,
      { isAllowed: policy.grants.log, rule: `${policy.file}: grants.log` },
      { isAllowed: true, rule: "" },
    ),
    clock: grantOf("clock", policy, skill),
    random: grantOf("random", policy, skill),
    schedule: none("schedule"),
    config: { ...none("config"), values: {} },
    kv: { ...none("kv"), maxBytes: 0, maxKeys: 0 },
    http: {
      ...none("http"),
      allow: [],
      deny: [],
      asked: [],
      privateAddresses: [],
      maxRedirects: 0,
    },
    secrets: [],
  };
  const rights = { policy: policy.metadata.name, limits: { ...limits }, grants };
  const hash = hashJson(JSON.parse(JSON.stringify(rights)));
  const { mode } = policy;
  return {
    kind: "granted",
    mode,
    limits,
    limitRules,
    grants,
    users: "shared",
    record: "hashes",
    hash,
  };
}

function denied(message: string, rule: string): EffectivePolicy {
  return { kind: "denied", message, rule, hash: hashJson({ denied: message, rule }) };
}

function lowestLimit(name: keyof Limits, policy: SandboxPolicy, { limits }: SkillFacts) {
  const ceiling: Partial<Limits> = policy.ceiling;
  const asked: { readonly [Name in keyof Limits]?: number | undefined } = limits ?? {};
  const candidates = [
    { value: ceiling[name] ?? PLATFORM_LIMITS[name], rule: `${policy.file}: ceiling.${name}` },
    { value: asked[name] ?? Number.POSITIVE_INFINITY, rule: `manifest: limits.${name}` },
    { value: PLATFORM_LIMITS[name], rule: `platform: ${name}` },
  ] as const;
  return candidates.reduce((lowest, each) => (each.value < lowest.value ? each : lowest));
}

function grantOf(name: "clock" | "random", policy: SandboxPolicy, skill: SkillFacts): Ruling {
  return toRuling(
    policy.mode,
    { isAllowed: policy.grants[name], rule: `${policy.file}: grants.${name}` },
    {
      isAllowed: skill.capabilities[name] !== undefined,
      rule: `manifest: capabilities.${name}`,
    },
  );
}

function mapLimits<T>(toValue: (name: keyof Limits) => T): Record<keyof Limits, T> {
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
