import { type ApprovalRules, toApprovalRules, withoutApprovalRules } from "./approval-rules.ts";
import { hashJson } from "./canonical-json.ts";
import { decideGrants } from "./decide-grants.ts";
import { listLimitCandidates, mapLimits } from "./decide-limits.ts";
import type { Grants, HttpRule, Mode, Ruling } from "./grants.ts";
import type { Limits } from "./limits.ts";
import { type CallFacts, findMismatch, type SkillFacts } from "./match-policy.ts";
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
  readonly record: "hashes" | "full";
  readonly approvals: ApprovalRules;
  /** Of all that decides; where it stands does not. */
  readonly hash: string;
}

/** The rights of a call of `skill` under `policies`, most important first. No policy, no rights. */
export function toEffectivePolicy(
  policies: readonly SandboxPolicy[],
  skill: SkillFacts,
  call: CallFacts = {},
): EffectivePolicy {
  const policy = policies.find((each) => findMismatch(each, skill, call) === undefined);
  if (policy === undefined) {
    const message = `No policy matches skill "${skill.name}" of trust "${skill.trust}"`;
    return { kind: "denied", message, rule: "no policy", hash: hashJson({ kind: "denied" }) };
  }
  const lowest = mapLimits((name) => listLimitCandidates(name, policy, skill)[0]);
  const rights = {
    mode: policy.mode,
    limits: mapLimits((name) => lowest[name].value),
    grants: decideGrants(policy, skill),
    users: policy.isolation.users,
    record: policy.record,
    approvals: toApprovalRules(policy, skill),
  };
  return {
    kind: "granted",
    ...rights,
    limitRules: mapLimits((name) => lowest[name].rule),
    hash: hashJson(
      JSON.parse(
        JSON.stringify({
          ...rights,
          grants: withoutRules(rights.grants),
          approvals: withoutApprovalRules(rights.approvals),
        }),
      ),
    ),
  };
}

/** A file that grew a comment grants what it granted. */
function withoutRules({ config, kv, http, secrets, ...simple }: Grants) {
  const { allow, deny, asked } = http;
  return {
    log: simple.log.verdict,
    clock: simple.clock.verdict,
    random: simple.random.verdict,
    schedule: simple.schedule.verdict,
    config: withoutRule(config),
    kv: withoutRule(kv),
    http: {
      ...withoutRule(http),
      allow: allow.map(withoutRule),
      deny: deny.map(withoutRule),
      asked: asked.map(withoutRule),
    },
    secrets: secrets.map(withoutRule),
  };
}

function withoutRule<T extends Ruling | HttpRule>({ rule: _rule, ...rest }: T): Omit<T, "rule"> {
  return rest;
}
