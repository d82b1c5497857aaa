import { readFile } from "node:fs/promises";
import { describe, test } from "vitest";
import { toEffectivePolicy } from "../../../../runtime/policy/effective-policy.ts";
import { parsePolicy } from "../../../../runtime/policy/sandbox-policy.ts";
import { createSkill } from "../../../../runtime/proof/create-skill.ts";

const text = await readFile(
  new URL("../../../../sandbox-policies/default.yaml", import.meta.url),
  "utf8",
);
const policy = parsePolicy(text, "default.yaml");

describe("toEffectivePolicy()", () => {
  test("takes the lowest limit and says who set it", ({ expect }) => {
    const skill = createSkill({ limits: { wallMs: 100, memoryMiB: 4_000 } });
    expect(toEffectivePolicy([policy], skill)).toMatchObject({
      kind: "granted",
      limits: { wallMs: 100, memoryMiB: 64 },
      limitRules: {
        wallMs: "manifest: limits.wallMs",
        memoryMiB: "default.yaml: ceiling.memoryMiB",
      },
    });
  });

  test("never raises the platform's limit", ({ expect }) => {
    const generous = { ...policy, ceiling: { ...policy.ceiling, memoryMiB: 100_000 } };
    expect(toEffectivePolicy([generous], createSkill({}))).toMatchObject({
      limits: { memoryMiB: 256 },
      limitRules: { memoryMiB: "platform: memoryMiB" },
    });
  });

  test("denies a skill that no policy matches", ({ expect }) => {
    const skill = createSkill({ trust: "verified" });
    const narrow = { ...policy, match: { trust: ["community" as const], skills: ["*"] } };
    expect(toEffectivePolicy([narrow], skill)).toMatchObject({ kind: "denied", rule: "no policy" });
  });

  test("hashes equal rights equally and other rights otherwise", ({ expect }) => {
    const hashOf = (wallMs: number) =>
      toEffectivePolicy([policy], createSkill({ limits: { wallMs } })).hash;
    expect(hashOf(100)).toBe(hashOf(100));
    expect(hashOf(100)).not.toBe(hashOf(101));
  });
});
