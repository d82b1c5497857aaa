import type { SkillCode } from "../invoke.ts";
import { ruleOf, type SandboxPolicy } from "./sandbox-policy.ts";
import { isInRange } from "./version-range.ts";

/** What of a skill decides about its rights. */
export type SkillFacts = Pick<
  SkillCode,
  "name" | "version" | "digest" | "trust" | "publisher" | "capabilities" | "limits"
>;

/** What of a call decides about its rights. */
export interface CallFacts {
  readonly label?: string | undefined;
}

/** Why a policy does not match a call: the line, and what it wants. */
export interface Mismatch {
  readonly rule: string;
  readonly message: string;
}

/** The first line of `policy` that keeps it from deciding about a call of `skill`. */
export function findMismatch(
  policy: SandboxPolicy,
  skill: SkillFacts,
  { label }: CallFacts,
): Mismatch | undefined {
  const { trust, skills, publishers, versions, digests, labels } = policy.match;
  const lines: readonly Line[] = [
    ["trust", skill.trust, trust],
    ["skills", skill.name, skills.includes("*") ? undefined : skills],
    ["publishers", skill.publisher, publishers],
    ["digests", skill.digest, digests],
    ["labels", label, labels],
  ];
  const line = lines.find(([, value, wanted]) => !isOneOf(value, wanted));
  if (line !== undefined) {
    const [name, value, wanted = []] = line;
    const has = value === undefined ? "none" : `"${value}"`;
    const message = `it wants one of ${wanted.map((each) => `"${each}"`).join(", ")}, this is ${has}`;
    return { rule: ruleOf(policy, `match.${name}`), message };
  }
  if (versions === undefined || isInRange(skill.version, versions)) return undefined;
  const message = `it wants a version in "${versions}", this is "${skill.version}"`;
  return { rule: ruleOf(policy, "match.versions"), message };
}

type Line = readonly [
  name: keyof SandboxPolicy["match"],
  value: string | undefined,
  wanted: readonly string[] | undefined,
];

function isOneOf(value: string | undefined, wanted: readonly string[] | undefined): boolean {
  return wanted === undefined || (value !== undefined && wanted.includes(value));
}
