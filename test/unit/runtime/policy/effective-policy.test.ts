import { describe, test } from "vitest";
import {
  type EffectivePolicy,
  type GrantedPolicy,
  toEffectivePolicy,
} from "../../../../runtime/policy/effective-policy.ts";
import { parsePolicy, type SandboxPolicy } from "../../../../runtime/policy/sandbox-policy.ts";
import { createSkill } from "../../../../runtime/proof/create-skill.ts";
import { createPolicy, policyText, readShipped } from "../../../support/policies.ts";

const policy = readShipped("default");
const REASON = { reason: "to test it" };
const TOKEN = { name: "TOKEN", audience: "https://api.example.org" };
const SECRETS =
  "{ secrets: [{ name: TOKEN, audience: https://api.example.org, header: authorization }] }";

describe("toEffectivePolicy()", () => {
  test("takes the lowest limit and says who set it", ({ expect }) => {
    const skill = createSkill({ limits: { wallMs: 100, memoryMiB: 4_000 } });
    expect(toEffectivePolicy([policy], skill)).toMatchObject({
      kind: "granted",
      limits: { wallMs: 100, memoryMiB: 64 },
      limitRules: {
        wallMs: "manifest: limits.wallMs",
        memoryMiB: expect.stringMatching(/^default\.yaml:\d+: ceiling\.memoryMiB$/u),
        hostCalls: expect.stringMatching(/^default\.yaml:\d+: ceiling\.hostCalls\.total$/u),
      },
    });
  });

  test("takes every limit from its own line", ({ expect }) => {
    const { limits, limitRules } = grantedBy([createPolicy()]);
    expect(limits).toEqual({
      wallMs: 1_000,
      cpuMs: 1_000,
      memoryMiB: 64,
      outputKiB: 64,
      logKiB: 64,
      hostCalls: 100,
      hostCallsPerSecond: 50,
      hostCallsAtOnce: 4,
      callsPerSkill: 8,
      callsPerUser: 16,
      queueMs: 2_000,
    });
    expect(limitRules.callsPerUser).toBe("p.yaml:13: ceiling.concurrency.perUser");
    expect(limitRules.queueMs).toBe("p.yaml:14: ceiling.queueMs");
  });

  test("never raises the platform's limit", ({ expect }) => {
    const generous = createPolicy({ wallMs: 100_000 });
    expect(toEffectivePolicy([generous], createSkill({}))).toMatchObject({
      limits: { wallMs: 60_000 },
      limitRules: { wallMs: "platform: wallMs" },
    });
  });

  test("denies a skill that no policy matches", ({ expect }) => {
    const narrow = createPolicy({ match: '{ trust: [community], skills: ["*"] }' });
    const skill = createSkill({ trust: "verified" });
    expect(toEffectivePolicy([narrow], skill)).toMatchObject({ kind: "denied", rule: "no policy" });
  });

  test("grants what policy and manifest both say, with the line that decided", ({ expect }) => {
    const grants = "{ log: true, clock: true, config: {}, schedule: false }";
    const capabilities = { clock: REASON, kv: REASON, schedule: REASON };
    const effective = grantedBy([createPolicy({ grants })], { capabilities });
    expect(effective.grants).toMatchObject({
      log: { verdict: "allowed", rule: "p.yaml:15: grants.log" },
      clock: { verdict: "allowed", rule: "p.yaml:15: grants.clock" },
      random: { verdict: "denied", rule: "manifest: capabilities.random" },
      schedule: { verdict: "denied", rule: "p.yaml:15: grants.schedule" },
      config: { verdict: "denied", rule: "manifest: capabilities.config", values: {} },
      kv: { verdict: "denied", rule: "p.yaml:15: grants.kv", maxBytes: 0, maxKeys: 0 },
      http: { verdict: "denied", rule: "manifest: capabilities.http" },
      secrets: [],
    });
  });

  test("hands config, kv and http on as they are granted", ({ expect }) => {
    const grants = `
  config: { units: metric }
  kv: { maxKiB: 2, maxKeys: 3 }
  http:
    allow: [{ host: "*.example.org", methods: [GET], paths: [/v1], maxRequestKiB: 1 }]
    deny: [{ host: x.example.org }]
    privateAddresses: [10.1.0.0/16]
    maxRedirects: 1`;
    const ask = { host: "api.example.org", methods: ["GET" as const], paths: ["/"], ...REASON };
    const http = [{ ...ask, schemes: ["http" as const] }];
    const capabilities = { config: REASON, kv: REASON, http };
    expect(grantedBy([createPolicy({ grants })], { capabilities }).grants).toMatchObject({
      config: { verdict: "allowed", values: { units: "metric" } },
      kv: { verdict: "allowed", maxBytes: 2_048, maxKeys: 3 },
      http: {
        verdict: "allowed",
        allow: [
          {
            rule: "p.yaml:19: grants.http.allow.0",
            host: "*.example.org",
            schemes: ["https"],
            ports: [443],
            paths: ["/v1"],
            maxRequestBytes: 1_024,
          },
        ],
        deny: [{ rule: "p.yaml:20: grants.http.deny.0", host: "x.example.org" }],
        asked: [{ rule: "manifest: capabilities.http.0", schemes: ["http"], ports: [80] }],
        privateAddresses: ["10.1.0.0/16"],
        maxRedirects: 1,
      },
    });
  });

  test("grants a secret where policy and manifest name it for the same audience", ({ expect }) => {
    const secretsFor = (audience: string) =>
      grantedBy([createPolicy({ grants: SECRETS })], {
        capabilities: { secrets: [{ ...TOKEN, audience, ...REASON }] },
      }).grants.secrets;
    expect(secretsFor(TOKEN.audience)).toEqual([
      {
        ...TOKEN,
        verdict: "allowed",
        rule: "p.yaml:15: grants.secrets.0",
        inject: { kind: "header", header: "authorization", prefix: "" },
      },
    ]);
    expect(secretsFor("https://other.example.org")).toEqual([]);
  });

  test("lets mode audit pass what the policy denies, not what nobody asks for", ({ expect }) => {
    const audited = createPolicy({ mode: "audit", grants: SECRETS });
    const { grants } = grantedBy([audited], { capabilities: { kv: REASON } });
    expect(grants.log.verdict).toBe("audited");
    expect(grants.kv).toMatchObject({ verdict: "audited", maxKeys: expect.any(Number) });
    expect(grants.kv.maxKeys).toBeGreaterThan(0);
    expect(grants.clock.verdict).toBe("denied");
    expect(grants.secrets).toEqual([]);
  });

  test("lets mode learn pass what the manifest does not ask for", ({ expect }) => {
    const match = '{ trust: [verified], skills: ["*"] }';
    const learning = createPolicy({ mode: "learn", match, grants: SECRETS });
    const { grants, mode } = grantedBy([learning], { trust: "verified", capabilities: {} });
    expect(mode).toBe("learn");
    expect([grants.clock, grants.http].map(({ verdict }) => verdict)).toEqual([
      "learned",
      "learned",
    ]);
    expect(grants.secrets).toMatchObject([{ name: "TOKEN", verdict: "learned" }]);
  });

  test("takes isolation and record from the policy, the careful ones by default", ({ expect }) => {
    expect(grantedBy([createPolicy()])).toMatchObject({ users: "separate", record: "hashes" });
    const more = "isolation: { users: shared }\nrecord: full\n";
    expect(grantedBy([createPolicy({ more })])).toMatchObject({
      users: "shared",
      record: "full",
    });
  });

  test("hashes equal rights equally and other rights otherwise", ({ expect }) => {
    const hashOf = (wallMs: number) =>
      toEffectivePolicy([policy], createSkill({ limits: { wallMs } })).hash;
    expect(hashOf(100)).toBe(hashOf(100));
    expect(hashOf(100)).not.toBe(hashOf(101));
  });

  test("hashes rights, not where they stand", ({ expect }) => {
    const text = policyText({ grants: SECRETS });
    const moved = parsePolicy(text.replace("match:", "# A comment\n\nmatch:"), "moved.yaml");
    const secrets = [{ ...TOKEN, ...REASON }];
    const hashOf = (each: SandboxPolicy) => grantedBy([each], { capabilities: { secrets } }).hash;
    const before = hashOf(parsePolicy(text, "p.yaml"));
    expect(hashOf(moved)).toBe(before);
    const changes = [
      text.replace("header: authorization", "header: x-key"),
      text.replace("mode: enforce", "mode: audit"),
      `${text}record: full\n`,
      `${text}isolation: { users: shared }\n`,
      text.replace("grants: {", "grants: { http: { maxRedirects: 1 },"),
    ];
    const hashes = changes.map((each) => hashOf(parsePolicy(each, "p.yaml")));
    expect(new Set([before, ...hashes]).size).toBe(changes.length + 1);
  });
});

describe("the shipped policies", () => {
  const all = ["learning", "offline", "trusted", "default"].map(readShipped);

  test.for<[string | undefined, "community" | "first-party", string]>([
    [undefined, "community", "default.yaml"],
    [undefined, "first-party", "trusted.yaml"],
    ["offline", "community", "offline.yaml"],
    ["offline", "first-party", "offline.yaml"],
    ["learning", "first-party", "learning.yaml"],
    ["learning", "community", "default.yaml"],
    ["other", "community", "default.yaml"],
  ])("for a call labelled %s of a %s skill are %s", ([label, trust, file], { expect }) => {
    const effective = toEffectivePolicy(all, createSkill({ trust }), { label });
    expect(effective).toMatchObject({
      limitRules: { queueMs: expect.stringMatching(new RegExp(`^${file}:\\d+: `, "u")) },
    });
  });

  test("grant a labelled offline call nothing but the log", ({ expect }) => {
    const skill = createSkill({ capabilities: { clock: REASON, random: REASON, kv: REASON } });
    const { grants } = granted(toEffectivePolicy(all, skill, { label: "offline" }));
    const allowed = Object.entries(grants).flatMap(([name, grant]) =>
      "verdict" in grant && grant.verdict !== "denied" ? [name] : [],
    );
    expect(allowed).toEqual(["log"]);
  });
});

function grantedBy(
  policies: readonly SandboxPolicy[],
  parts: Parameters<typeof createSkill>[0] = {},
): GrantedPolicy {
  return granted(toEffectivePolicy(policies, createSkill(parts)));
}

function granted(effective: EffectivePolicy): GrantedPolicy {
  if (effective.kind === "granted") return effective;
  throw new Error(`Expected rights, found "${effective.message}"`);
}
