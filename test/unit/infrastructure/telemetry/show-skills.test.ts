import { test } from "vitest";
import type { Skill } from "#domain/skill/skill.ts";
import { isSecretInSpeech, SecretMasker } from "#infrastructure/telemetry/secret-masker.ts";
import { createShowSkills } from "#infrastructure/telemetry/show-skills.ts";

const SECRET = "sk-canary-0123456789";
const LATER = "sk-later-0123456789";
const skill: Skill = {
  name: "a",
  version: "1.0.0",
  description: `With ${SECRET}`,
  digest: "d",
  tools: [
    {
      name: "b",
      description: `At ${SECRET}, ${LATER}`,
      inputSchema: { type: "object" },
      effects: ["read"],
      examples: [],
    },
  ],
};

test("skills are masked once, and anew when more secrets are known", ({ expect }) => {
  const masker = new SecretMasker(isSecretInSpeech, [SECRET]);
  const show = createShowSkills(masker);
  const [first] = show([skill]);
  const tool = { name: "b", effects: ["read"], examples: [] };
  expect(first).toEqual({
    ...skill,
    description: "With [redacted]",
    tools: [{ ...tool, description: `At [redacted], ${LATER}` }],
  });
  expect(show([skill])[0]).toBe(first);
  masker.add([SECRET]);
  expect(show([skill])[0]).toBe(first);
  masker.add([LATER]);
  expect(show([skill])[0]?.tools[0]?.description).toBe("At [redacted], [redacted]");
});
