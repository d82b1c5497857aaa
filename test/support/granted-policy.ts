import type { ApprovalRules } from "../../runtime/policy/approval-rules.ts";
import type { GrantedPolicy } from "../../runtime/policy/effective-policy.ts";
import type { Grants } from "../../runtime/policy/grants.ts";
import { type Limits, PLATFORM_LIMITS } from "../../runtime/policy/limits.ts";

const ALLOWED = { verdict: "allowed", rule: "test.yaml:1: grants" } as const;

const ALLOW = { decision: "allow", rule: "test.yaml:2: approvals" } as const;

/** Nobody is asked. */
export const ALLOWED_CALLS: ApprovalRules = {
  effects: { read: ALLOW, write: ALLOW, external: ALLOW },
  tools: {},
  expiresMinutes: 60,
  results: {},
};

/** A policy that grants everything that has no bounds of its own, and whatever `grants` says. */
export function createGrantedPolicy(grants: Partial<Grants> = {}): GrantedPolicy {
  const rules = Object.keys(PLATFORM_LIMITS).map((name) => [name, `platform: ${name}`]);
  return {
    kind: "granted",
    mode: "enforce",
    limits: PLATFORM_LIMITS,
    limitRules: Object.fromEntries(rules) as Record<keyof Limits, string>,
    grants: {
      log: ALLOWED,
      clock: ALLOWED,
      random: ALLOWED,
      schedule: ALLOWED,
      config: { ...ALLOWED, values: {} },
      kv: { ...ALLOWED, maxBytes: 1_000_000, maxKeys: 100 },
      http: {
        ...ALLOWED,
        allow: [],
        deny: [],
        asked: [],
        privateAddresses: [],
        maxRedirects: 3,
      },
      secrets: [],
      ...grants,
    },
    users: "separate",
    record: "full",
    approvals: ALLOWED_CALLS,
    hash: "a policy",
  };
}
