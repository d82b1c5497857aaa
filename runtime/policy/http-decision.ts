import type { GrantedPolicy } from "./effective-policy.ts";
import { type HttpRule, type Ruling, toRuling } from "./grants.ts";
import { type HttpQuestion, isAllowedBy, isDeniedBy } from "./http-rule.ts";

export interface HttpDecision {
  readonly ruling: Ruling;
  readonly limits: HttpLimits;
}

/** What one request may take. */
export interface HttpLimits {
  readonly maxRequestBytes: number;
  /** Of the body as the guest gets it: decompressed. */
  readonly maxResponseBytes: number;
  readonly timeoutMs: number;
}

/** What holds where the rule that allows a request does not say. */
export const HTTP_DEFAULTS: HttpLimits = {
  maxRequestBytes: 256 * 1_024,
  maxResponseBytes: 1_024 * 1_024,
  timeoutMs: 10_000,
};

/**
 * Whether a request may be made, and what it may take. A `deny` beats every `allow`; of several
 * that allow it the first one's limits hold. Redirects are requests: ask for each. Addresses are
 * not looked at here.
 */
export function decideHttp({ mode, grants }: GrantedPolicy, request: HttpQuestion): HttpDecision {
  const { http } = grants;
  const denying = http.deny.find((rule) => isDeniedBy(rule, request));
  const allowing = http.allow.find((rule) => isAllowedBy(rule, request));
  const asked = http.asked.some((rule) => isAllowedBy(rule, request));
  const ruling = toRuling(
    mode,
    // Where the manifest asks, the grant's own rule is the policy's.
    {
      isAllowed: allowing !== undefined && denying === undefined,
      rule: (denying ?? allowing ?? http).rule,
    },
    { isAllowed: asked, rule: "manifest: capabilities.http" },
  );
  return { ruling, limits: limitsOf(allowing) };
}

/** What a request takes at most that `rule` allows; the platform's own where none does. */
export function limitsOf(rule: HttpRule | undefined): HttpLimits {
  return {
    maxRequestBytes: rule?.maxRequestBytes ?? HTTP_DEFAULTS.maxRequestBytes,
    maxResponseBytes: rule?.maxResponseBytes ?? HTTP_DEFAULTS.maxResponseBytes,
    timeoutMs: rule?.timeoutMs ?? HTTP_DEFAULTS.timeoutMs,
  };
}
