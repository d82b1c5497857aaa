import {
  type Ask,
  type ConfigGrant,
  type Grants,
  type HttpGrant,
  type HttpRule,
  isGranted,
  type KvGrant,
  type Ruling,
  type SecretGrant,
  type SecretPlace,
  toRuling,
} from "./grants.ts";
import { toSchemesAndPorts } from "./http-schema.ts";
import type { SkillFacts } from "./match-policy.ts";
import { ruleOf, type SandboxPolicy } from "./sandbox-policy.ts";

export const GRANT_NAMES = ["log", "clock", "random", "schedule", "config", "kv", "http"] as const;
export type GrantName = (typeof GRANT_NAMES)[number];

/** What policy and manifest say about one grant. */
export interface Asks {
  readonly policy: Ask;
  readonly manifest: Ask;
}

type Facts = Pick<SkillFacts, "capabilities">;
type PolicyHttp = NonNullable<SandboxPolicy["grants"]["http"]>;
type PolicySecret = NonNullable<SandboxPolicy["grants"]["secrets"]>[number];

const DEFAULT_REDIRECTS = 3;
/** What a skill may keep where a mode lets it, though the policy says nothing. */
const UNGRANTED_KV = { maxKiB: 64, maxKeys: 100 };

/** The rights of `skill` under the one policy that decides. */
export function decideGrants(policy: SandboxPolicy, skill: Facts): Grants {
  const rulingOf = (name: GrantName): Ruling => {
    const asks = findAsks(name, policy, skill);
    return toRuling(policy.mode, asks.policy, asks.manifest);
  };
  return {
    log: rulingOf("log"),
    clock: rulingOf("clock"),
    random: rulingOf("random"),
    schedule: rulingOf("schedule"),
    config: toConfigGrant(rulingOf("config"), policy),
    kv: toKvGrant(rulingOf("kv"), policy),
    http: toHttpGrant(rulingOf("http"), policy, skill),
    secrets: decideSecrets(policy, skill).filter(isGranted),
  };
}

/** Logging needs no ask. */
export function findAsks(name: GrantName, policy: SandboxPolicy, skill: Facts): Asks {
  return {
    policy: {
      isAllowed: isGrantedBy(policy, name),
      rule: ruleOf(policy, name === "http" ? "grants.http.allow" : `grants.${name}`),
    },
    manifest: {
      isAllowed: name === "log" || skill.capabilities[name] !== undefined,
      rule: `manifest: capabilities.${name}`,
    },
  };
}

/** What becomes of each secret the policy names, denied ones included. */
export function decideSecrets(policy: SandboxPolicy, skill: Facts): readonly SecretGrant[] {
  const asked = skill.capabilities.secrets ?? [];
  return (policy.grants.secrets ?? []).map((secret, index) => {
    const { name, audience } = secret;
    const isAsked = asked.some((each) => each.name === name && each.audience === audience);
    const ruling = toRuling(
      policy.mode,
      { isAllowed: true, rule: ruleOf(policy, `grants.secrets.${index}`) },
      { isAllowed: isAsked, rule: "manifest: capabilities.secrets" },
    );
    return { ...ruling, name, audience, inject: toPlace(secret) };
  });
}

function isGrantedBy({ grants }: SandboxPolicy, name: GrantName): boolean {
  if (name === "http") return grants.http !== undefined && grants.http.allow.length > 0;
  return grants[name] !== undefined && grants[name] !== false;
}

function toConfigGrant(ruling: Ruling, { grants }: SandboxPolicy): ConfigGrant {
  return { ...ruling, values: isGranted(ruling) ? (grants.config ?? {}) : {} };
}

function toKvGrant(ruling: Ruling, { grants }: SandboxPolicy): KvGrant {
  const { maxKiB, maxKeys } = grants.kv ?? UNGRANTED_KV;
  const quota = { maxBytes: maxKiB * 1_024, maxKeys };
  return { ...ruling, ...(isGranted(ruling) ? quota : { maxBytes: 0, maxKeys: 0 }) };
}

function toHttpGrant(ruling: Ruling, policy: SandboxPolicy, { capabilities }: Facts): HttpGrant {
  const { http } = policy.grants;
  return {
    ...ruling,
    ...listHttpRules(policy),
    asked: (capabilities.http ?? []).map(({ host, methods, paths, ...target }, index) => ({
      rule: `manifest: capabilities.http.${index}`,
      host,
      ...toSchemesAndPorts(target),
      methods,
      paths,
    })),
    privateAddresses: http?.privateAddresses ?? [],
    maxRedirects: http?.maxRedirects ?? DEFAULT_REDIRECTS,
  };
}

/** The policy's rules about requests, each with its line. */
export function listHttpRules(policy: SandboxPolicy): Pick<HttpGrant, "allow" | "deny"> {
  const { allow = [], deny = [] } = policy.grants.http ?? {};
  return {
    allow: allow.map((rule, index) =>
      toAllowRule(rule, ruleOf(policy, `grants.http.allow.${index}`)),
    ),
    deny: deny.map((rule, index) => ({
      rule: ruleOf(policy, `grants.http.deny.${index}`),
      ...rule,
    })),
  };
}

function toAllowRule(
  { host, methods, paths, maxRequestKiB, maxResponseKiB, ...rule }: PolicyHttp["allow"][number],
  line: string,
): HttpRule {
  return {
    rule: line,
    host,
    ...toSchemesAndPorts(rule),
    methods,
    paths,
    maxRequestBytes: toBytes(maxRequestKiB),
    maxResponseBytes: toBytes(maxResponseKiB),
    timeoutMs: rule.timeoutMs,
  };
}

function toBytes(kib: number | undefined): number | undefined {
  return kib === undefined ? undefined : kib * 1_024;
}

function toPlace({ header, prefix = "", query }: PolicySecret): SecretPlace {
  if (header !== undefined) return { kind: "header", header, prefix };
  if (query !== undefined) return { kind: "query", parameter: query };
  throw new RangeError("Cannot place a secret: expected a header or a query parameter");
}
