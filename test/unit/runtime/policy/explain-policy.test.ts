import { describe, test } from "vitest";
import { toEffectivePolicy } from "../../../../runtime/policy/effective-policy.ts";
import { explainCall, parseCallQuestion } from "../../../../runtime/policy/explain-call.ts";
import { explainPolicy } from "../../../../runtime/policy/explain-policy.ts";
import { createSkill } from "../../../../runtime/proof/create-skill.ts";
import { createPolicy } from "../../../support/policies.ts";

const REASON = { reason: "to test it" };
const API = "host: api.example.org, methods: [GET], paths: [/v1]";
const policy = createPolicy({
  priority: 5,
  grants: `
  clock: true
  kv: { maxKiB: 2, maxKeys: 3 }
  http:
    allow: [{ ${API}, timeoutMs: 500 }]
    deny: [{ host: api.example.org, paths: [/v1/admin] }]
  secrets: [{ name: KEY, audience: https://api.example.org, query: key }]`,
});
const ask = { host: "api.example.org", methods: ["GET" as const], paths: ["/"], ...REASON };
const skill = createSkill({
  capabilities: { clock: REASON, random: REASON, http: [ask] },
  limits: { wallMs: 500 },
});
const low = createPolicy({ name: "low" });
const other = createPolicy({ name: "other", match: "{ trust: [verified], skills: [x] }" });

describe("explainPolicy()", () => {
  const explained = explainPolicy([policy, other, low], skill);

  test("tells the policy that decides, and why others do not", ({ expect }) => {
    expect(explained).toMatchObject({
      policy: { name: "p", file: "p.yaml", mode: "enforce", users: "separate", record: "hashes" },
      passedOver: [
        { name: "other", rule: "other.yaml:4: match.trust" },
        { name: "low", reason: 'it matches, but "p" has the higher priority' },
      ],
      hash: toEffectivePolicy([policy], skill).hash,
    });
  });

  test("tells what becomes of a call of each tool", ({ expect }) => {
    expect(explained.calls).toEqual([
      {
        tool: "try-it",
        verdict: "asked",
        rule: "p.yaml:1: approvals.external",
        facts: ["acts outside", "brings what strangers wrote"],
        reaches: ["https://api.example.org/v1 (GET)", "the clock"],
      },
    ]);
  });

  test("tells a tie by name", ({ expect }) => {
    const twin = createPolicy({ name: "q", priority: 5 });
    expect(explainPolicy([policy, twin], skill).passedOver).toMatchObject([
      { rule: "q.yaml:3: metadata.priority", reason: expect.stringContaining("first by name") },
    ]);
  });

  test("tells each limit with who else sets it", ({ expect }) => {
    expect(explained.limits).toHaveLength(11);
    expect(explained.limits[0]).toEqual({
      name: "wallMs",
      value: 500,
      rule: "manifest: limits.wallMs",
      considered: [
        { rule: "p.yaml:7: ceiling.wallMs", value: "1000" },
        { rule: "platform: wallMs", value: "60000" },
      ],
    });
  });

  test("tells each grant as the call gets it, with both sides", ({ expect }) => {
    const verdicts = explained.grants.map(({ name, verdict }) => [name, verdict]);
    expect(verdicts).toEqual([
      ["log", "denied"],
      ["clock", "allowed"],
      ["random", "denied"],
      ["schedule", "denied"],
      ["config", "denied"],
      ["kv", "denied"],
      ["http", "allowed"],
      ["http allow", "allowed"],
      ["http deny", "denied"],
      ["secret KEY", "denied"],
    ]);
    expect(explained.grants.find(({ name }) => name === "kv")).toEqual({
      name: "kv",
      value: "2 KiB, 3 keys",
      verdict: "denied",
      rule: "manifest: capabilities.kv",
      considered: [{ rule: "p.yaml:17: grants.kv", value: "granted" }],
    });
  });

  test("tells why none matches", ({ expect }) => {
    const none = explainPolicy([other], skill);
    expect(none).toMatchObject({ passedOver: [{ name: "other" }], limits: [], grants: [] });
    expect(none.policy).toBeUndefined();
  });
});

describe("explainCall()", () => {
  const explain = (text: string, policies = [policy]) => {
    const question = parseCallQuestion(text);
    if (question === undefined) throw new Error(`"${text}" is no call`);
    return explainCall(policies, skill, { question });
  };

  test("tells the rule that allows a request, and what it may take", ({ expect }) => {
    expect(explain("get https://api.example.org/v1/x?y=1")).toMatchObject({
      ruling: { verdict: "allowed", rule: "p.yaml:19: grants.http.allow.0" },
      limits: { timeoutMs: 500 },
      considered: [
        { effect: "deny", isMatch: false },
        { effect: "allow", isMatch: true },
        { effect: "ask", isMatch: true, rule: "manifest: capabilities.http.0" },
      ],
    });
  });

  test("tells the rule that denies a request", ({ expect }) => {
    const denied = explain("GET https://api.example.org/v1/admin");
    expect(denied.ruling).toEqual({ verdict: "denied", rule: "p.yaml:20: grants.http.deny.0" });
    expect(denied).not.toHaveProperty("limits");
    expect(explain("GET http://api.example.org/v1").ruling.verdict).toBe("denied");
  });

  test("tells the grant of another function", ({ expect }) => {
    expect(explain("now")).toEqual({
      ruling: { verdict: "allowed", rule: "p.yaml:16: grants.clock" },
      considered: [],
    });
    expect(explain("kv-get").ruling.rule).toBe("manifest: capabilities.kv");
  });

  test("denies all where no policy matches", ({ expect }) => {
    expect(explain("now", [other]).ruling).toEqual({ verdict: "denied", rule: "no policy" });
  });
});

describe("parseCallQuestion()", () => {
  test.for([
    "",
    "http",
    "nothing",
    "now then",
    "GET",
    "GET ftp://a.b",
    "GET https://a b",
    "GET /v1",
  ])('does not take "%s"', (text, { expect }) => expect(parseCallQuestion(text)).toBeUndefined());
});
