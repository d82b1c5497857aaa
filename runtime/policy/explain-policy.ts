import type { SkillCode } from "../invoke.ts";
import { type CallDecision, decideCall } from "./decide-call.ts";
import {
  decideSecrets,
  findAsks,
  GRANT_NAMES,
  type GrantName,
  listHttpRules,
} from "./decide-grants.ts";
import { listLimitCandidates, mapLimits } from "./decide-limits.ts";
import { type EffectivePolicy, toEffectivePolicy } from "./effective-policy.ts";
import {
  type Ask,
  type HttpRule,
  type Mode,
  type SecretGrant,
  toRuling,
  type Verdict,
} from "./grants.ts";
import { describeHttpRule } from "./http-description.ts";
import type { Limits } from "./limits.ts";
import { type CallFacts, findMismatch, type SkillFacts } from "./match-policy.ts";
import { ruleOf, type SandboxPolicy } from "./sandbox-policy.ts";

/** Why a call has the rights it has. */
export interface PolicyExplanation {
  /** The one policy that decides; absent where none matches, and everything is denied. */
  readonly policy?: DecidingPolicy | undefined;
  /** The others, most important first. */
  readonly passedOver: readonly PassedOver[];
  readonly limits: readonly ExplainedLimit[];
  readonly grants: readonly ExplainedGrant[];
  /** What becomes of a call of each tool before it is made. */
  readonly calls: readonly ExplainedCall[];
  readonly hash: string;
}

interface DecidingPolicy {
  readonly name: string;
  readonly file: string;
  readonly mode: Mode;
  readonly users: "separate" | "shared";
  readonly record: "hashes" | "full";
}

interface PassedOver {
  readonly name: string;
  readonly rule: string;
  readonly reason: string;
}

interface ExplainedLimit {
  readonly name: keyof Limits;
  readonly value: number;
  readonly rule: string;
  /** Who else sets it, and how high. */
  readonly considered: readonly Considered[];
}

export interface ExplainedGrant {
  /** As in "clock", "http api.example.org" or "secret TOKEN for https://api.example.org". */
  readonly name: string;
  readonly value: string;
  readonly verdict: Verdict;
  readonly rule: string;
  readonly considered: readonly Considered[];
}

export interface ExplainedCall {
  readonly tool: string;
  readonly verdict: CallDecision["kind"];
  readonly rule: string;
  /** As in "acts outside", "brings what strangers wrote" and "holds private data". */
  readonly facts: readonly string[];
  readonly reaches: readonly string[];
}

interface Considered {
  readonly rule: string;
  readonly value: string;
}

/** Which line of which file decides about each right and limit of a call, and what else was there. */
export function explainPolicy(
  policies: readonly SandboxPolicy[],
  skill: SkillFacts & Pick<SkillCode, "tools">,
  call: CallFacts = {},
): PolicyExplanation {
  const policy = policies.find((each) => findMismatch(each, skill, call) === undefined);
  const others = policies.filter((each) => each !== policy);
  const effective = toEffectivePolicy(policies, skill, call);
  const about = {
    passedOver: others.map((other) =>
      explainPassing(other, policy, findMismatch(other, skill, call)),
    ),
    calls: skill.tools.map(({ name }) => explainToolCall(effective, skill, name)),
    hash: effective.hash,
  };
  if (policy === undefined) return { ...about, limits: [], grants: [] };
  const { metadata, file, mode, isolation, record } = policy;
  return {
    ...about,
    policy: { name: metadata.name, file, mode, users: isolation.users, record },
    limits: Object.values(mapLimits((name) => explainLimit(name, policy, skill))),
    grants: [
      ...GRANT_NAMES.map((name) => explainGrant(name, policy, skill)),
      ...listHttpRules(policy).allow.map((rule) => toRuleRow(rule, "allow")),
      ...listHttpRules(policy).deny.map((rule) => toRuleRow(rule, "deny")),
      ...decideSecrets(policy, skill).map(toSecretRow),
    ],
  };
}

function explainToolCall(
  policy: EffectivePolicy,
  skill: Pick<SkillCode, "name" | "tools">,
  tool: string,
): ExplainedCall {
  const decision = decideCall(policy, skill, tool);
  const { kind: verdict, rule } = decision;
  if (decision.kind === "denied") return { tool, verdict, rule, facts: [], reaches: [] };
  const { actsOutside, bringsUntrusted, holdsPrivate, reaches } = decision;
  const facts = [
    ...(actsOutside ? ["acts outside"] : []),
    ...(bringsUntrusted ? ["brings what strangers wrote"] : []),
    ...(holdsPrivate ? ["holds private data"] : []),
  ];
  return { tool, verdict, rule, facts, reaches };
}

function explainPassing(
  { metadata, ...other }: SandboxPolicy,
  policy: SandboxPolicy | undefined,
  mismatch: ReturnType<typeof findMismatch>,
): PassedOver {
  if (mismatch !== undefined) {
    return { name: metadata.name, rule: mismatch.rule, reason: mismatch.message };
  }
  const rule = ruleOf({ metadata, ...other }, "metadata.priority");
  const winner = policy?.metadata;
  const reason =
    winner?.priority === metadata.priority
      ? `it matches, but "${winner.name}" of the same priority comes first by name`
      : `it matches, but "${winner?.name}" has the higher priority`;
  return { name: metadata.name, rule, reason };
}

function explainLimit(
  name: keyof Limits,
  policy: SandboxPolicy,
  skill: SkillFacts,
): ExplainedLimit {
  const [lowest, ...others] = listLimitCandidates(name, policy, skill);
  const considered = others.map(({ rule, value }) => ({ rule, value: String(value) }));
  return { name, ...lowest, considered };
}

function explainGrant(name: GrantName, policy: SandboxPolicy, skill: SkillFacts): ExplainedGrant {
  const asks = findAsks(name, policy, skill);
  const ruling = toRuling(policy.mode, asks.policy, asks.manifest);
  const considered = [asks.policy, ...(name === "log" ? [] : [asks.manifest])];
  return {
    name,
    value: toValue(name, policy),
    ...ruling,
    considered: considered.filter(({ rule }) => rule !== ruling.rule).map(toConsidered),
  };
}

function toConsidered({ rule, isAllowed }: Ask): Considered {
  const asks = rule.startsWith("manifest: ");
  if (asks) return { rule, value: isAllowed ? "asked for" : "not asked for" };
  return { rule, value: isAllowed ? "granted" : "not granted" };
}

function toValue(name: GrantName, { grants }: SandboxPolicy): string {
  if (name === "config") return Object.keys(grants.config ?? {}).join(", ");
  if (name === "http") return grants.http === undefined ? "" : `${grants.http.allow.length} rules`;
  if (name !== "kv" || grants.kv === undefined) return "";
  return `${grants.kv.maxKiB} KiB, ${grants.kv.maxKeys} keys`;
}

function toRuleRow(rule: HttpRule, kind: "allow" | "deny"): ExplainedGrant {
  const verdict = kind === "allow" ? "allowed" : "denied";
  return {
    name: `http ${kind}`,
    value: describeHttpRule(rule),
    verdict,
    rule: rule.rule,
    considered: [],
  };
}

function toSecretRow({ name, audience, verdict, rule, inject }: SecretGrant): ExplainedGrant {
  const place = inject.kind === "header" ? `header ${inject.header}` : `query ${inject.parameter}`;
  return { name: `secret ${name}`, value: `${audience}, ${place}`, verdict, rule, considered: [] };
}
