import type { GrantedPolicy } from "../../runtime/policy/effective-policy.ts";
import type { Grants } from "../../runtime/policy/grants.ts";
import { type Limits, PLATFORM_LIMITS } from "../../runtime/policy/limits.ts";

const ALLOWED = { verdict: "allowed", rule: "test.yaml:1: grants" } as const;

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
    hash: "a policy",
  };
}
