import { describe, test } from "vitest";
import type { Effect } from "../../../../runtime/invoke.ts";
import type { Capabilities } from "../../../../runtime/policy/capabilities.ts";
import { decideCall } from "../../../../runtime/policy/decide-call.ts";
import { toEffectivePolicy } from "../../../../runtime/policy/effective-policy.ts";
import { createSkill } from "../../../../runtime/proof/create-skill.ts";
import {
  createPolicy,
  type PolicyParts,
  policyText,
  readShipped,
} from "../../../support/policies.ts";

const REASON = { reason: "to test it" };
const WEB = { host: "*.example.org", methods: ["GET" as const, "POST" as const], paths: ["/v1"] };

describe("decideCall()", () => {
  test.for([
    [["read"], "allowed", "p.yaml:1: approvals.read"],
    [["write"], "allowed", "p.yaml:1: approvals.write"],
    [["external"], "asked", "p.yaml:1: approvals.external"],
    [["read", "external"], "asked", "p.yaml:1: approvals.external"],
    [[], "asked", "p.yaml:1: approvals.external"],
  ] as const)("without a line of the policy: %j is %s", ([effects, kind, rule], { expect }) => {
    expect(decide({}, { effects: [...effects] })).toMatchObject({
      kind,
      rule,
      expiresMinutes: 60,
    });
  });

  test("takes the strictest of a tool's effects, and tells its line", ({ expect }) => {
    const more = "approvals:\n  read: ask\n  write: deny\n  external: allow\n  expiresMinutes: 5";
    expect(decide({ more }, { effects: ["read"] })).toMatchObject({
      kind: "asked",
      rule: "p.yaml:17: approvals.read",
      reason: "The policy asks before calls that read",
      expiresMinutes: 5,
    });
    expect(decide({ more }, { effects: ["external"] })).toMatchObject({ kind: "allowed" });
    expect(decide({ more }, { effects: ["external", "write", "read"] })).toMatchObject({
      kind: "denied",
      rule: "p.yaml:18: approvals.write",
      message: "The policy denies calls that change what is kept",
    });
  });

  test("asks the tool's own line first, of this skill alone", ({ expect }) => {
    const more =
      "approvals:\n  external: allow\n  tools:\n    skill: { run: deny }\n    other: { run: ask }";
    expect(decide({ more }, { effects: ["external"] })).toMatchObject({
      kind: "denied",
      rule: "p.yaml:19: approvals.tools.skill.run",
      message: 'The policy denies "skill.run"',
    });
    expect(decide({ more }, { effects: ["external"], tool: "else" })).toMatchObject({
      kind: "allowed",
    });
    const inherited = "approvals:\n  tools:\n    skill: { run: ask }";
    expect(decide({ more: inherited }, { tool: "constructor" }).kind).toBe("asked");
    expect(decide({}, { name: "constructor", effects: ["read"] }).kind).toBe("allowed");
  });

  test("takes a tool that does not say what it does for one that acts outside", ({ expect }) => {
    expect(decide({}, { tool: "nobody" })).toMatchObject({ kind: "asked", actsOutside: true });
  });

  test("goes by what may be sent, not by what the manifest says of itself", ({ expect }) => {
    const asked = { http: [{ ...WEB, ...REASON }] };
    const grants = (methods: string) =>
      `{ http: { allow: [{ host: api.example.org, methods: [${methods}], paths: [/] }] } }`;
    expect(
      decide({ grants: grants("GET, POST") }, { effects: ["read"], capabilities: asked }),
    ).toMatchObject({ kind: "asked", rule: "p.yaml:1: approvals.external" });
    expect(
      decide({ grants: grants("GET") }, { effects: ["read"], capabilities: asked }),
    ).toMatchObject({ kind: "allowed", actsOutside: true, bringsUntrusted: true });
    expect(decide({}, { effects: ["read"], capabilities: asked })).toMatchObject({
      kind: "allowed",
      actsOutside: false,
      bringsUntrusted: false,
    });
  });

  test("tells what policy and manifest together let the skill reach", ({ expect }) => {
    const grants = `
  clock: true
  random: true
  kv: { maxKiB: 2, maxKeys: 3 }
  config: { units: metric }
  http:
    allow:
      - { host: api.example.org, methods: [POST, PUT], paths: [/] }
      - { host: "*.sub.example.org", ports: [8443], methods: [GET], paths: [/v1/x, /v2] }
      - { host: b.example.org, methods: [POST], paths: [/v1] }
      - { host: elsewhere.org, methods: [GET], paths: [/] }
    deny: [{ host: b.example.org }]
    privateAddresses: [10.0.0.0/8]
  secrets:
    - { name: KEY, audience: https://api.example.org, query: key }
    - { name: OTHER, audience: https://api.example.org, query: key }`;
    const capabilities = {
      clock: REASON,
      kv: REASON,
      config: REASON,
      http: [
        { ...WEB, ...REASON },
        { ...WEB, ports: [8_443], ...REASON },
      ],
      secrets: [{ name: "KEY", audience: "https://api.example.org", ...REASON }],
    };
    const decision = decide({ grants }, { capabilities });
    expect(decision).toMatchObject({ kind: "asked", holdsPrivate: true, bringsUntrusted: true });
    expect("reaches" in decision && decision.reaches).toEqual([
      "https://api.example.org/v1 (POST)",
      "https://*.sub.example.org:8443/v1/x (GET)",
      "private address 10.0.0.0/8",
      "secret KEY, sent to https://api.example.org",
      "a store of its own (2 KiB)",
      "settings (units)",
      "the clock",
    ]);
  });

  test("takes for private what a skill reads behind private addresses", ({ expect }) => {
    const http = (more: string) =>
      `{ http: { allow: [{ host: api.example.org, methods: [GET], paths: [/] }]${more} } }`;
    const capabilities = { http: [{ ...WEB, ...REASON }] };
    expect(decide({ grants: http("") }, { effects: ["read"], capabilities })).toMatchObject({
      holdsPrivate: false,
    });
    const inside = http(", privateAddresses: [10.0.0.0/8]");
    expect(decide({ grants: inside }, { effects: ["read"], capabilities })).toMatchObject({
      holdsPrivate: true,
    });
  });

  test("lets the policy say what results bring", ({ expect }) => {
    const capabilities = { kv: REASON };
    const grants = "{ kv: { maxKiB: 1, maxKeys: 1 } }";
    expect(decide({ grants }, { effects: ["read"], capabilities })).toMatchObject({
      bringsUntrusted: true,
      holdsPrivate: true,
    });
    const more = "approvals:\n  results: { untrusted: false, private: false }";
    expect(decide({ grants, more }, { effects: ["read"], capabilities })).toMatchObject({
      bringsUntrusted: false,
      holdsPrivate: false,
    });
  });

  test("does not ask for what a policy that learns lets happen unasked", ({ expect }) => {
    const learning = decide(
      { mode: "learn", match: TRUSTED },
      { effects: ["read"], trust: "verified" },
    );
    expect(learning).toMatchObject({ kind: "allowed", actsOutside: false, holdsPrivate: false });
    expect("reaches" in learning && learning.reaches).toEqual([
      "anything else that it asks for: the policy learns",
    ]);
  });

  test("denies what no policy matches", ({ expect }) => {
    const match = "{ trust: [verified], skills: [x] }";
    expect(decide({ match }, {})).toMatchObject({ kind: "denied", rule: "no policy" });
  });

  test("is part of the policy's hash: where it stands is not", ({ expect }) => {
    const hashOf = (more: string) => decide({ more }, { effects: ["read"] }).policyHash;
    expect(hashOf("approvals: { external: ask }")).toBe(
      hashOf("# so\n\napprovals: { read: allow }"),
    );
    expect(hashOf("approvals: { external: allow }")).not.toBe(hashOf(""));
    expect(hashOf("approvals: { tools: { skill: { run: deny } } }")).not.toBe(hashOf(""));
    expect(hashOf("approvals: { tools: { other: { run: deny } } }")).toBe(hashOf(""));
  });
});

describe("shipped policies", () => {
  test.for(["default", "trusted", "learning"])(
    "%s asks before what acts outside",
    (name, { expect }) => {
      const { read, write, external } = readShipped(name).approvals;
      expect({ read, write, external }).toEqual({ read: "allow", write: "allow", external: "ask" });
    },
  );

  test("offline denies it", ({ expect }) => {
    expect(readShipped("offline").approvals.external).toBe("deny");
  });
});

describe("parsePolicy()", () => {
  test.for([
    "approvals: { external: perhaps }",
    "approvals: { expiresMinutes: 0.04 }",
    "approvals: { expiresMinutes: 43201 }",
    "approvals: { tools: { issues: allow } }",
    "approvals: { results: { secret: true } }",
    "approvals: { network: ask }",
  ])("refuses %s", (more, { expect }) => {
    expect(() => createPolicy({ more })).toThrow("Cannot use policy");
    expect(policyText({ more })).toContain(more);
  });
});

const TRUSTED = '{ trust: [first-party, verified], skills: ["*"] }';

interface SkillParts {
  readonly name?: string;
  readonly tool?: string;
  readonly effects?: readonly Effect[];
  readonly capabilities?: Capabilities;
  readonly trust?: "verified" | "community";
}

function decide(policy: PolicyParts, parts: SkillParts) {
  const { name = "skill", tool = "run", effects, capabilities = {}, trust = "community" } = parts;
  const skill = createSkill({ name, capabilities, trust });
  const [contract] = skill.tools;
  const tools = contract && [{ ...contract, name: "run", ...(effects && { effects }) }];
  return decideCall(
    toEffectivePolicy([createPolicy(policy)], skill),
    { ...skill, tools: tools ?? [] },
    tool,
  );
}
