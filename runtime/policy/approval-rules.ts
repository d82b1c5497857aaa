import type { Effect } from "../invoke.ts";
import type { SkillFacts } from "./match-policy.ts";
import { ruleOf, type SandboxPolicy } from "./sandbox-policy.ts";

/** What a policy says of the calls of one skill's tools, each with its line. */
export interface ApprovalRules {
  readonly effects: Readonly<Record<Effect, ApprovalRule>>;
  readonly tools: Readonly<Record<string, ApprovalRule>>;
  readonly expiresMinutes: number;
  readonly results: SandboxPolicy["approvals"]["results"];
}

export interface ApprovalRule {
  readonly decision: ApprovalDecision;
  /** As in "default.yaml:40: approvals.external". */
  readonly rule: string;
}

export type ApprovalDecision = "allow" | "ask" | "deny";

export const STRICTNESS: Readonly<Record<ApprovalDecision, number>> = { allow: 0, ask: 1, deny: 2 };

/** Calls that do so, for people. */
export const EFFECT_VERBS: Readonly<Record<Effect, string>> = {
  read: "read",
  write: "change what is kept",
  external: "act on the outside",
};

export function toApprovalRules(
  policy: SandboxPolicy,
  { name: skill }: Pick<SkillFacts, "name">,
): ApprovalRules {
  const { approvals } = policy;
  const ruleAt = (effect: Effect): ApprovalRule => ({
    decision: approvals[effect],
    rule: ruleOf(policy, `approvals.${effect}`),
  });
  const tools = Object.entries(new Map(Object.entries(approvals.tools)).get(skill) ?? {});
  return {
    effects: { read: ruleAt("read"), write: ruleAt("write"), external: ruleAt("external") },
    tools: Object.fromEntries(
      tools.map(([tool, decision]) => [
        tool,
        { decision, rule: ruleOf(policy, `approvals.tools.${skill}.${tool}`) },
      ]),
    ),
    expiresMinutes: approvals.expiresMinutes,
    results: approvals.results,
  };
}

/** What is decided, wherever it stands. */
export function withoutApprovalRules({ effects, tools, ...rest }: ApprovalRules) {
  const toDecision = ([name, { decision }]: [string, ApprovalRule]) => [name, decision] as const;
  return {
    ...rest,
    effects: Object.fromEntries(Object.entries(effects).map(toDecision)),
    tools: Object.fromEntries(Object.entries(tools).map(toDecision)),
  };
}
