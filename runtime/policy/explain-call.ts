import { GRANT_OF, type HostFunction } from "../protocol.ts";
import { toEffectivePolicy } from "./effective-policy.ts";
import type { Grants, HttpRule, Ruling } from "./grants.ts";
import { decideHttp, type HttpLimits } from "./http-decision.ts";
import { describeHttpRule } from "./http-description.ts";
import { type HttpQuestion, isAllowedBy, isDeniedBy } from "./http-rule.ts";
import type { CallFacts, SkillFacts } from "./match-policy.ts";
import type { SandboxPolicy } from "./sandbox-policy.ts";

/** One host call somebody asks about. */
export type CallQuestion =
  | { readonly kind: "http"; readonly method: string; readonly url: URL }
  | { readonly kind: "function"; readonly name: Exclude<HostFunction, "http"> };

/** What would become of it. */
export interface CallExplanation {
  readonly ruling: Ruling;
  /** Of a request that may be made. */
  readonly limits?: HttpLimits | undefined;
  /** The rules about requests that were looked at. */
  readonly considered: readonly ConsideredRule[];
}

interface ConsideredRule {
  readonly rule: string;
  readonly effect: "allow" | "deny" | "ask";
  readonly value: string;
  readonly isMatch: boolean;
}

/** Reads "GET https://api.example.org/v1", or a host function's name; else gives undefined. */
export function parseCallQuestion(text: string): CallQuestion | undefined {
  const [method = "", address, ...more] = text.trim().split(/\s+/u);
  const name = FUNCTIONS.find((each) => each === method);
  if (name !== undefined && address === undefined) return { kind: "function", name };
  const url = address === undefined || more.length > 0 ? null : URL.parse(address);
  if (url === null || !/^https?:$/u.test(url.protocol)) return undefined;
  return { kind: "http", method: method.toUpperCase(), url };
}

const FUNCTIONS = (Object.keys(GRANT_OF) as HostFunction[]).filter((name) => name !== "http");

/** How one host call of `skill` would be decided. */
export function explainCall(
  policies: readonly SandboxPolicy[],
  skill: SkillFacts,
  { question, ...call }: CallFacts & { readonly question: CallQuestion },
): CallExplanation {
  const policy = toEffectivePolicy(policies, skill, call);
  if (policy.kind === "denied") {
    return { ruling: { verdict: "denied", rule: policy.rule }, considered: [] };
  }
  if (question.kind === "function") {
    return { ruling: toRuling(policy.grants[GRANT_OF[question.name]]), considered: [] };
  }
  const request = toHttpQuestion(question);
  const { ruling, limits } = decideHttp(policy, request);
  return {
    ruling,
    ...(ruling.verdict === "denied" ? {} : { limits }),
    considered: listRules(policy.grants, request),
  };
}

function toRuling({ verdict, rule }: Ruling): Ruling {
  return { verdict, rule };
}

function listRules({ http }: Grants, request: HttpQuestion): readonly ConsideredRule[] {
  const toRow =
    (effect: ConsideredRule["effect"], isMatch: typeof isAllowedBy) => (rule: HttpRule) => ({
      rule: rule.rule,
      effect,
      value: describeHttpRule(rule),
      isMatch: isMatch(rule, request),
    });
  return [
    ...http.deny.map(toRow("deny", isDeniedBy)),
    ...http.allow.map(toRow("allow", isAllowedBy)),
    ...http.asked.map(toRow("ask", isAllowedBy)),
  ];
}

function toHttpQuestion({ method, url }: Extract<CallQuestion, { kind: "http" }>): HttpQuestion {
  const scheme = url.protocol.slice(0, -1);
  const port = url.port === "" ? (scheme === "https" ? 443 : 80) : Number(url.port);
  return { scheme, host: url.hostname, port, method, path: url.pathname };
}
