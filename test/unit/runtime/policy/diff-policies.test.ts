import { describe, test } from "vitest";
import { diffPolicies } from "../../../../runtime/policy/diff-policies.ts";
import { createPolicy, type PolicyParts, readShipped } from "../../../support/policies.ts";

const NOTHING = { allowedNow: [], deniedNow: [], raised: [], lowered: [], otherwise: [] };
const RULE = "host: api.example.org, methods: [GET], paths: [/v1]";
const allow = (rule: string) => `{ http: { allow: [{ ${rule} }] } }`;
const deny = (rule: string) => `{ http: { deny: [{ ${rule} }] } }`;

describe("diffPolicies()", () => {
  test("finds nothing between a policy and itself", ({ expect }) => {
    const all = ["learning", "trusted", "default"].map(readShipped);
    expect(diffPolicies(all, all)).toEqual(NOTHING);
  });

  test.for<[string, PolicyParts, PolicyParts, string]>([
    ["a grant", {}, { grants: "{ clock: true }" }, "clock"],
    ["a store", {}, { grants: "{ kv: { maxKiB: 1, maxKeys: 1 } }" }, "kv"],
    ["config", {}, { grants: "{ config: {} }" }, "config"],
    ["a mode that audits", {}, { mode: "audit" }, "what the policy does not grant"],
    [
      "a private address",
      { grants: "{ http: {} }" },
      { grants: "{ http: { privateAddresses: [10.1.2.3] } }" },
      "private address 10.1.2.3",
    ],
    [
      "a secret",
      {},
      { grants: "{ secrets: [{ name: KEY, audience: https://a.example, query: key }] }" },
      "secret KEY for https://a.example in query key",
    ],
    ["a host", {}, { grants: allow(RULE) }, "http GET https://api.example.org:443 /v1"],
    [
      "a wider path",
      { grants: allow(RULE) },
      { grants: allow(RULE.replace("/v1", "/")) },
      "http GET https://api.example.org:443 /",
    ],
    [
      "a lifted denial",
      { grants: deny("host: x.example.org") },
      { grants: "{ http: {} }" },
      "not denied: http any method any://x.example.org:any any path",
    ],
  ])(
    "tells %s as allowed now, and denied the other way around",
    ([, less, more, what], { expect }) => {
      const there = diffPolicies([createPolicy(less)], [createPolicy(more)]);
      expect(there.allowedNow.map((change) => change.what)).toContain(what);
      expect(there.deniedNow).not.toContainEqual(expect.objectContaining({ what }));
      const back = diffPolicies([createPolicy(more)], [createPolicy(less)]);
      expect(back.deniedNow.map((change) => change.what)).toContain(what);
    },
  );

  test("takes a rule that another covers for nothing new", ({ expect }) => {
    const wide = createPolicy({
      grants: allow('host: "*.example.org", methods: [GET], paths: [/]'),
    });
    const narrow = createPolicy({ grants: allow(RULE) });
    expect(diffPolicies([wide], [narrow]).allowedNow).toEqual([]);
    expect(diffPolicies([wide], [narrow]).deniedNow).toHaveLength(1);
  });

  test("tells limits that go up and down, with the new line", ({ expect }) => {
    const kv = (keys: number) => ({ grants: `{ kv: { maxKiB: 1, maxKeys: ${keys} } }` });
    const old = createPolicy({ wallMs: 1_000, ...kv(5) });
    const now = createPolicy({ wallMs: 2_000, ...kv(4) });
    expect(diffPolicies([old], [now])).toEqual({
      ...NOTHING,
      raised: [
        { policy: "p", what: "ceiling.wallMs: 1000 -> 2000", rule: "p.yaml:7: ceiling.wallMs" },
      ],
      lowered: [
        { policy: "p", what: "grants.kv.maxKeys: 5 -> 4", rule: "p.yaml:15: grants.kv.maxKeys" },
      ],
    });
  });

  test("tells what a rule's requests may take", ({ expect }) => {
    const old = createPolicy({ grants: allow(RULE) });
    const now = createPolicy({ grants: allow(`${RULE}, timeoutMs: 20000`) });
    const what = "http GET https://api.example.org:443 /v1 timeoutMs: 10000 -> 20000";
    expect(diffPolicies([old], [now])).toMatchObject({ ...NOTHING, raised: [{ what }] });
  });

  test("tells who decides otherwise, and what is recorded", ({ expect }) => {
    const old = createPolicy({ match: "{ trust: [verified], skills: [a] }" });
    const now = createPolicy({
      match: "{ trust: [verified], skills: [a, b], labels: [x] }",
      priority: 5,
      more: "record: full\n",
    });
    expect(diffPolicies([old], [now]).otherwise.map(({ what }) => what)).toEqual([
      "metadata.priority: 0 -> 5",
      'match.skills: ["a"] -> ["a","b"]',
      "record: hashes -> full",
      'match.labels: nothing -> ["x"]',
    ]);
  });

  test("tells calls that need more or less than before", ({ expect }) => {
    const old = createPolicy({ more: "approvals: { read: deny, external: allow }" });
    const now = createPolicy({
      more: "approvals: { read: ask, write: deny, expiresMinutes: 5, tools: { a: { b: deny } } }",
    });
    expect(diffPolicies([old], [now])).toMatchObject({
      allowedNow: [{ what: "calls that read, once approved", rule: "p.yaml:16: approvals.read" }],
      deniedNow: [
        { what: "calls that change what is kept, unasked" },
        { what: "calls that act on the outside, unasked" },
      ],
      otherwise: [
        { what: "approvals.expiresMinutes: 60 -> 5" },
        { what: "approvals.tools.a.b: nothing -> deny" },
      ],
    });
  });

  test("compares folders policy by policy, and single files whatever their names", ({ expect }) => {
    const one = createPolicy({ name: "one", grants: "{ log: true }" });
    const two = createPolicy({ name: "two", grants: "{ clock: true }" });
    expect(diffPolicies([one, two], [two])).toMatchObject({
      allowedNow: [],
      deniedNow: [{ policy: "one", what: "log", rule: "one.yaml:15: grants.log" }],
      otherwise: [{ policy: "one", what: "the policy is gone" }],
    });
    expect(diffPolicies([one], [two])).toMatchObject({
      allowedNow: [{ policy: "two", what: "clock" }],
      deniedNow: [{ policy: "two", what: "log" }],
      otherwise: [],
    });
  });
});
