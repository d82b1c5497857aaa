import type { SkillCode } from "../../runtime/index.ts";
import { toEffectivePolicy } from "../../runtime/policy/effective-policy.ts";
import { readPolicies } from "../../runtime/policy/read-policies.ts";
import { createEchoSkill, rename } from "../echo-skill.ts";
import { POLICY_DIR } from "./bench-runtime.ts";
import { type Sample, scaled } from "./sample.ts";

const SAMPLES = 200;
const PER_SAMPLE = 50;

/** What it takes to find the rights of a skill under the shipped policies, hash included. */
export async function measurePolicyTime(scale: number): Promise<readonly Sample[]> {
  const policies = await readPolicies(POLICY_DIR);
  const known = createEchoSkill("wasm");
  const samples = scaled(SAMPLES, scale);
  const measure = (toSkill: (index: number) => SkillCode) => {
    const skills = Array.from({ length: samples * PER_SAMPLE }, (_, index) => toSkill(index));
    return Array.from({ length: samples }, (_, sample) => {
      const startedMs = performance.now();
      for (const skill of skills.slice(sample * PER_SAMPLE, (sample + 1) * PER_SAMPLE)) {
        if (toEffectivePolicy(policies, skill).kind === "denied") {
          throw new Error(`Cannot measure: no policy matches "${skill.name}"`);
        }
      }
      return ((performance.now() - startedMs) * 1_000) / PER_SAMPLE;
    });
  };
  measure(() => known);
  return [
    { what: "rights of a skill seen before", unit: "us", values: measure(() => known) },
    {
      what: "rights of a new skill",
      unit: "us",
      values: measure((index) => rename(known, `new-${index}`)),
    },
  ];
}
