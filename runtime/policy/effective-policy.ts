import { createHash } from "node:crypto";
import type { SkillCode } from "../invoke.ts";
import type { Grant, JsonValue } from "../protocol.ts";
import { type Limits, PLATFORM_LIMITS } from "./limits.ts";
import type { SandboxPolicy } from "./sandbox-policy.ts";

/** What a skill really has: platform ∩ policy ∩ manifest, and which line decided. */
export type EffectivePolicy =
  | {
      readonly kind: "granted";
      readonly limits: Limits;
      readonly limitRules: Readonly<Record<keyof Limits, string>>;
      readonly grants: Readonly<Record<Grant, boolean>>;
      readonly grantRules: Readonly<Record<Grant, string>>;
      readonly hash: string;
    }
  | {
      readonly kind: "denied";
      readonly message: string;
      readonly rule: string;
      readonly hash: string;
    };

type SkillFacts = Pick<SkillCode, "name" | "trust" | "capabilities" | "limits">;

const PLANNED = ["kv", "schedule", "http", "secrets"] as const;

/** The rights of `skill` under `policies`, most important first. No policy, no rights. */
export function toEffectivePolicy(
  policies: readonly SandboxPolicy[],
  skill: SkillFacts,
): EffectivePolicy {
  const policy = policies.find((each) => isMatch(each, skill));
  if (policy === undefined) {
    return denied(`No policy matches skill "${skill.name}" of trust "${skill.trust}"`, "no policy");
  }
  const planned = PLANNED.find((name) => skill.capabilities[name] !== undefined);
  if (planned !== undefined) {
    const message = `The skill asks for "${planned}", which this version cannot grant`;
    return denied(message, `platform: ${planned}`);
  }
  return granted(policy, skill);
}

function isMatch({ match }: SandboxPolicy, { name, trust }: SkillFacts): boolean {
  return match.trust.includes(trust) && match.skills.some((each) => each === "*" || each === name);
}

function granted(policy: SandboxPolicy, skill: SkillFacts): EffectivePolicy {
  const lowest = mapLimits((name) => lowestLimit(name, policy, skill));
  const limits = mapLimits((name) => lowest[name].value);
  const limitRules = mapLimits((name) => lowest[name].rule);
  const { log, clock, random } = policy.grants;
  const { capabilities } = skill;
  const grants = {
    log,
    clock: clock && capabilities.clock !== undefined,
    random: random && capabilities.random !== undefined,
    http: false,
  };
  const grantRules = {
    log: `${policy.file}: grants.log`,
    clock: grantRule("clock", policy, skill),
    random: grantRule("random", policy, skill),
    http: "platform: http",
  };
  const rights = { policy: policy.metadata.name, limits: { ...limits }, grants };
  return { kind: "granted", limits, limitRules, grants, grantRules, hash: hashOf(rights) };
}

function denied(message: string, rule: string): EffectivePolicy {
  return { kind: "denied", message, rule, hash: hashOf({ denied: message, rule }) };
}

function lowestLimit(name: keyof Limits, policy: SandboxPolicy, { limits }: SkillFacts) {
  const candidates = [
    { value: policy.ceiling[name], rule: `${policy.file}: ceiling.${name}` },
    { value: limits?.[name] ?? Number.POSITIVE_INFINITY, rule: `manifest: limits.${name}` },
    { value: PLATFORM_LIMITS[name], rule: `platform: ${name}` },
  ] as const;
  return candidates.reduce((lowest, each) => (each.value < lowest.value ? each : lowest));
}

function grantRule(name: "clock" | "random", policy: SandboxPolicy, skill: SkillFacts): string {
  const isAsked = skill.capabilities[name] !== undefined;
  return isAsked ? `${policy.file}: grants.${name}` : `manifest: capabilities.${name}`;
}

function mapLimits<T>(toValue: (name: keyof Limits) => T): Record<keyof Limits, T> {
  return {
    wallMs: toValue("wallMs"),
    cpuMs: toValue("cpuMs"),
    memoryMiB: toValue("memoryMiB"),
    outputKiB: toValue("outputKiB"),
    logKiB: toValue("logKiB"),
    hostCalls: toValue("hostCalls"),
  };
}

function hashOf(value: JsonValue): string {
  return createHash("sha256").update(toCanonicalJson(value)).digest("hex");
}

/** JSON text that is the same for equal values: keys in order, no space. */
function toCanonicalJson(value: JsonValue): string {
  return JSON.stringify(value, (_key, item: JsonValue) => {
    if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(
      Object.entries(item).toSorted(([one], [other]) => (one < other ? -1 : 1)),
    );
  });
}
