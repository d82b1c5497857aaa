import { describe, test } from "vitest";
import { findMismatch } from "../../../../runtime/policy/match-policy.ts";
import { createSkill } from "../../../../runtime/proof/create-skill.ts";
import { createPolicy } from "../../../support/policies.ts";

const skill = { ...createSkill({ name: "notes" }), version: "1.4.0", publisher: "acme" };

describe("findMismatch()", () => {
  test.for<[string, string, string | undefined]>([
    ["trust: [verified, community]", "notes", undefined],
    ["trust: [verified]", "notes", "p.yaml:4: match.trust"],
    ["trust: [community], publishers: [acme]", "notes", undefined],
    ["trust: [community], publishers: [other]", "notes", "p.yaml:4: match.publishers"],
    ["trust: [community], versions: ^1.2.0", "notes", undefined],
    ["trust: [community], versions: <1.4.0", "notes", "p.yaml:4: match.versions"],
    ["trust: [community]", "other", "p.yaml:4: match.skills"],
    [`trust: [community], digests: ["${"0".repeat(64)}"]`, "notes", "p.yaml:4: match.digests"],
    [`trust: [community], digests: ["${skill.digest}"]`, "notes", undefined],
    ["trust: [community], labels: [offline]", "notes", "p.yaml:4: match.labels"],
  ])("{ %s } for skills [%s]: %s", ([match, name, rule], { expect }) => {
    const policy = createPolicy({ match: `{ ${match}, skills: [${name}] }` });
    expect(findMismatch(policy, skill, {})?.rule).toBe(rule);
  });

  test("takes a call with a label of the policy, and none with another", ({ expect }) => {
    const match = '{ trust: [community], skills: ["*"], labels: [offline, night] }';
    const policy = createPolicy({ match });
    expect(findMismatch(policy, skill, { label: "night" })).toBeUndefined();
    expect(findMismatch(policy, skill, { label: "day" })).toEqual({
      rule: "p.yaml:4: match.labels",
      message: 'it wants one of "offline", "night", this is "day"',
    });
  });

  test("takes no skill without a publisher for one of a publisher", ({ expect }) => {
    const policy = createPolicy({
      match: '{ trust: [community], skills: ["*"], publishers: [acme] }',
    });
    const { publisher: _none, ...unsigned } = skill;
    expect(findMismatch(policy, unsigned, {})?.message).toContain("this is none");
  });
});
