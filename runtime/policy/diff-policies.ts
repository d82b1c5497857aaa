import { EFFECT_VERBS, STRICTNESS } from "./approval-rules.ts";
import { CEILING_PATHS, toLimits } from "./ceiling.ts";
import { listHttpRules } from "./decide-grants.ts";
import { mapLimits } from "./decide-limits.ts";
import type { HttpRule, Mode } from "./grants.ts";
import { limitsOf } from "./http-decision.ts";
import { describeHttpRule } from "./http-description.ts";
import { isCovering } from "./http-rule.ts";
import { ruleOf, type SandboxPolicy } from "./sandbox-policy.ts";

/** What other policies change, read from the policies alone: no skill is asked. */
export interface PolicyDiff {
  readonly allowedNow: readonly PolicyChange[];
  readonly deniedNow: readonly PolicyChange[];
  readonly raised: readonly PolicyChange[];
  readonly lowered: readonly PolicyChange[];
  /** What may change who decides, or what is recorded. */
  readonly otherwise: readonly PolicyChange[];
}

export interface PolicyChange {
  readonly policy: string;
  /** As in "clock" or "ceiling.wallMs: 1000 -> 2000". */
  readonly what: string;
  /** Where it stands: in the new file, or in the old one where it is gone. */
  readonly rule: string;
}

type Policies = readonly SandboxPolicy[];

/** Compares policies of the same name; of two single ones the names do not matter. */
export function diffPolicies(before: Policies, after: Policies): PolicyDiff {
  const pairs = toPairs(before, after);
  return {
    allowedNow: pairs.flatMap(({ name, old, now }) => inPolicy(name, listNewRights(old, now))),
    deniedNow: pairs.flatMap(({ name, old, now }) => inPolicy(name, listNewRights(now, old))),
    raised: pairs.flatMap(({ name, old, now }) => inPolicy(name, listAmounts(old, now, 1))),
    lowered: pairs.flatMap(({ name, old, now }) => inPolicy(name, listAmounts(old, now, -1))),
    otherwise: pairs.flatMap(({ name, old, now }) => inPolicy(name, listSettings(old, now))),
  };
}

interface Pair {
  readonly name: string;
  readonly old: SandboxPolicy | undefined;
  readonly now: SandboxPolicy | undefined;
}

type Change = Omit<PolicyChange, "policy">;

function toPairs(before: Policies, after: Policies): readonly Pair[] {
  const [old] = before;
  const [now] = after;
  if (before.length === 1 && after.length === 1 && old !== undefined && now !== undefined) {
    return [{ name: now.metadata.name, old, now }];
  }
  const names = new Set([...before, ...after].map(({ metadata }) => metadata.name));
  const find = (policies: Policies, name: string) =>
    policies.find(({ metadata }) => metadata.name === name);
  return [...names].map((name) => ({ name, old: find(before, name), now: find(after, name) }));
}

function inPolicy(policy: string, changes: readonly Change[]): readonly PolicyChange[] {
  return changes.map((change) => ({ policy, ...change }));
}

/** What `more` allows that `less` does not. */
function listNewRights(
  less: SandboxPolicy | undefined,
  more: SandboxPolicy | undefined,
): readonly Change[] {
  const known = new Set(less === undefined ? [] : listRights(less).map(({ what }) => what));
  const rights = more === undefined ? [] : listRights(more);
  return [
    ...rights.filter(({ what }) => !known.has(what)),
    ...listUncovered(rulesOf(less).allow, rulesOf(more).allow, "http"),
    // A request that is no longer denied.
    ...(more === undefined
      ? []
      : listUncovered(rulesOf(more).deny, rulesOf(less).deny, "not denied: http")),
    ...(less === undefined || more === undefined ? [] : listNewCalls(less, more)),
  ];
}

const EFFECTS = ["read", "write", "external"] as const;

/** Calls that were denied or needed a person's word, and need less now. */
function listNewCalls(less: SandboxPolicy, more: SandboxPolicy): readonly Change[] {
  return EFFECTS.flatMap((effect) => {
    const [was, is] = [less.approvals[effect], more.approvals[effect]];
    const isNew = STRICTNESS[is] < STRICTNESS[was];
    const how = is === "ask" ? "once approved" : "unasked";
    const what = `calls that ${EFFECT_VERBS[effect]}, ${how}`;
    return isNew ? [{ what, rule: ruleOf(more, `approvals.${effect}`) }] : [];
  });
}

function listRights(policy: SandboxPolicy): readonly Change[] {
  const { grants, mode } = policy;
  const at = (what: string, path: string): Change => ({ what, rule: ruleOf(policy, path) });
  const flags = ["log", "clock", "random", "schedule"] as const;
  return [
    ...MODE_RIGHTS[mode].map((what) => at(what, "mode")),
    ...flags.flatMap((name) => (grants[name] === true ? [at(name, `grants.${name}`)] : [])),
    ...(grants.config === undefined ? [] : [at("config", "grants.config")]),
    ...(grants.kv === undefined ? [] : [at("kv", "grants.kv")]),
    ...(grants.http?.privateAddresses ?? []).map((address, index) =>
      at(`private address ${address}`, `grants.http.privateAddresses.${index}`),
    ),
    ...(grants.secrets ?? []).map(({ name, audience, header, query }, index) => {
      const place = header === undefined ? `query ${query}` : `header ${header}`;
      return at(`secret ${name} for ${audience} in ${place}`, `grants.secrets.${index}`);
    }),
  ];
}

const MODE_RIGHTS: Readonly<Record<Mode, readonly string[]>> = {
  enforce: [],
  audit: ["what the policy does not grant"],
  learn: ["what the policy does not grant", "what the manifest does not ask for"],
};

interface HttpRules {
  readonly allow: readonly HttpRule[];
  readonly deny: readonly HttpRule[];
}

function rulesOf(policy: SandboxPolicy | undefined): HttpRules {
  return policy === undefined ? { allow: [], deny: [] } : listHttpRules(policy);
}

/** The rules of `more` that no single one of `less` covers. */
function listUncovered(
  less: readonly HttpRule[],
  more: readonly HttpRule[],
  what: string,
): readonly Change[] {
  return more
    .filter((rule) => !less.some((other) => isCovering(other, rule)))
    .map((rule) => ({ what: `${what} ${describeHttpRule(rule)}`, rule: rule.rule }));
}

interface Amount {
  readonly path: string;
  readonly value: number;
  readonly rule: string;
}

/** The amounts that went up, or down where `sign` is -1. */
function listAmounts(
  old: SandboxPolicy | undefined,
  now: SandboxPolicy | undefined,
  sign: 1 | -1,
): readonly Change[] {
  if (old === undefined || now === undefined) return [];
  const before = new Map(amountsOf(old).map(({ path, value }) => [path, value]));
  return amountsOf(now).flatMap(({ path, value, rule }) => {
    const was = before.get(path);
    if (was === undefined || Math.sign(value - was) !== sign) return [];
    return [{ what: `${path}: ${was} -> ${value}`, rule }];
  });
}

function amountsOf(policy: SandboxPolicy): readonly Amount[] {
  const { ceiling, grants } = policy;
  const limits = toLimits(ceiling);
  const at = (path: string, value: number): Amount => ({ path, value, rule: ruleOf(policy, path) });
  const { kv, http } = grants;
  return [
    ...Object.values(mapLimits((name) => at(CEILING_PATHS[name], limits[name]))),
    ...(kv === undefined
      ? []
      : [at("grants.kv.maxKiB", kv.maxKiB), at("grants.kv.maxKeys", kv.maxKeys)]),
    ...(http === undefined ? [] : [at("grants.http.maxRedirects", http.maxRedirects)]),
    ...listHttpRules(policy).allow.flatMap(toRuleAmounts),
  ];
}

/** Of a rule that stands in both files, wherever: it is told by what it means. */
function toRuleAmounts(rule: HttpRule): readonly Amount[] {
  const limits = limitsOf(rule);
  const names = ["maxRequestBytes", "maxResponseBytes", "timeoutMs"] as const;
  return names.map((name) => ({
    path: `http ${describeHttpRule(rule)} ${name}`,
    value: limits[name],
    rule: rule.rule,
  }));
}

function listSettings(
  old: SandboxPolicy | undefined,
  now: SandboxPolicy | undefined,
): readonly Change[] {
  if (old === undefined) return now === undefined ? [] : [whole(now, "a new policy")];
  if (now === undefined) return [whole(old, "the policy is gone")];
  const before = new Map(settingsOf(old));
  const after = new Map(settingsOf(now));
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((path) => {
    const [was = "nothing", is = "nothing"] = [before.get(path), after.get(path)];
    return was === is ? [] : [{ what: `${path}: ${was} -> ${is}`, rule: ruleOf(now, path) }];
  });
}

function whole(policy: SandboxPolicy, what: string): Change {
  return { what, rule: ruleOf(policy, "metadata.name") };
}

function settingsOf(policy: SandboxPolicy): readonly (readonly [string, string])[] {
  const { metadata, match, grants, approvals, isolation, record } = policy;
  const toText = (value: unknown): string => JSON.stringify(value);
  return [
    ["metadata.priority", String(metadata.priority)],
    ...Object.entries(match).map(([name, value]) => [`match.${name}`, toText(value)] as const),
    ...Object.entries(grants.config ?? {}).map(
      ([name, value]) => [`grants.config.${name}`, toText(value)] as const,
    ),
    ["approvals.expiresMinutes", String(approvals.expiresMinutes)],
    ["approvals.results", toText(approvals.results)],
    ...Object.entries(approvals.tools).flatMap(([skill, tools]) =>
      Object.entries(tools).map(
        ([tool, decision]) => [`approvals.tools.${skill}.${tool}`, decision] as const,
      ),
    ),
    ["isolation.users", isolation.users],
    ["record", record],
  ];
}
