import type { Effect, SkillCode } from "../invoke.ts";
import {
  type ApprovalRule,
  type ApprovalRules,
  EFFECT_VERBS,
  STRICTNESS,
} from "./approval-rules.ts";
import type { EffectivePolicy, GrantedPolicy } from "./effective-policy.ts";
import { isGranted } from "./grants.ts";
import { isWanted, listOpenTargets, listReaches } from "./list-reaches.ts";

/** What is decided of a call before it is made. */
export type CallDecision =
  | {
      readonly kind: "denied";
      readonly message: string;
      readonly rule: string;
      readonly policyHash: string;
    }
  | (DecidedCall & { readonly kind: "allowed" })
  /** A person has to be asked; the question stands for `expiresMinutes`. */
  | (DecidedCall & {
      readonly kind: "asked";
      readonly expiresMinutes: number;
      readonly reason: string;
    });

interface DecidedCall {
  /** The line that decided, as in "default.yaml:40: approvals.external". */
  readonly rule: string;
  readonly policyHash: string;
  readonly expiresMinutes: number;
  /** What the skill may reach under its policy, a line each, for people. */
  readonly reaches: readonly string[];
  /** It can carry something out: it says so, or what it was granted lets it. */
  readonly actsOutside: boolean;
  /** What it gives back was written by strangers. */
  readonly bringsUntrusted: boolean;
  /** What it gives back, or what it can use, is private. */
  readonly holdsPrivate: boolean;
}

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/**
 * Whether a call of `tool` may be made, and whether a person is asked first. A tool that is not
 * known, or does not say what it does, is taken for one that acts outside; so is one whose skill may
 * send more than it says: effects are the manifest's word, grants are the policy's.
 */
export function decideCall(
  policy: EffectivePolicy,
  skill: Pick<SkillCode, "name" | "tools">,
  tool: string,
): CallDecision {
  const { hash: policyHash } = policy;
  if (policy.kind === "denied") {
    return { kind: "denied", message: policy.message, rule: policy.rule, policyHash };
  }
  const declared = skill.tools.find(({ name }) => name === tool)?.effects ?? ["external"];
  const effects: readonly Effect[] = canChangeOutside(policy)
    ? [...new Set<Effect>([...declared, "external"])]
    : declared;
  const { decision, rule, effect } = decide(policy.approvals, tool, effects);
  if (decision === "deny") {
    const what =
      effect === undefined ? `"${skill.name}.${tool}"` : `calls that ${EFFECT_VERBS[effect]}`;
    return { kind: "denied", message: `The policy denies ${what}`, rule, policyHash };
  }
  const facts = {
    rule,
    policyHash,
    expiresMinutes: policy.approvals.expiresMinutes,
    reaches: listReaches(policy),
    ...toTaint(policy, effects),
  };
  if (decision === "allow") return { kind: "allowed", ...facts };
  const reason =
    effect === undefined
      ? `The policy asks before each call of "${skill.name}.${tool}"`
      : `The policy asks before calls that ${EFFECT_VERBS[effect]}`;
  return { kind: "asked", ...facts, reason };
}

interface Found extends ApprovalRule {
  /** None where the tool itself is named. */
  readonly effect?: Effect;
}

/** The tool's own line, or the strictest of its effects'. */
function decide({ tools, effects }: ApprovalRules, tool: string, has: readonly Effect[]): Found {
  const own = new Map(Object.entries(tools)).get(tool);
  if (own !== undefined) return own;
  const [strictest] = has
    .map((effect): Found => ({ ...effects[effect], effect }))
    .toSorted((one, other) => STRICTNESS[other.decision] - STRICTNESS[one.decision]);
  return strictest ?? { ...effects.external, effect: "external" };
}

function toTaint(policy: GrantedPolicy, effects: readonly Effect[]) {
  const { grants, approvals } = policy;
  const { http, kv, config, secrets } = grants;
  const actsOutside = effects.includes("external") || isWanted(http);
  return {
    actsOutside,
    // What a skill keeps may have been told it by a session that strangers talked into it.
    bringsUntrusted: approvals.results.untrusted ?? (actsOutside || isWanted(kv)),
    holdsPrivate:
      approvals.results.private ??
      (isWanted(kv) || isWanted(config) || secrets.length > 0 || seesPrivateNet(policy)),
  };
}

/** Whether some request may go where the public network does not reach. */
function seesPrivateNet({ grants: { http } }: GrantedPolicy): boolean {
  return isGranted(http) && http.privateAddresses.length > 0;
}

/** Whether some request could do more than look. */
function canChangeOutside(policy: GrantedPolicy): boolean {
  return listOpenTargets(policy).some(
    ({ methods }) => methods === undefined || methods.some((method) => !SAFE_METHODS.has(method)),
  );
}
