import path from "node:path";
import { describe, test } from "vitest";
import type { JsonValue } from "../../../runtime/index.ts";
import {
  CATALOG_DIR,
  loadSkill,
  type ManifestExample,
  parseTemplate,
} from "../../../skills-registry/index.ts";
import { useCatalogSkill } from "./catalog-skill.ts";

/** What a person may write for a placeholder, by tool. */
const SAYINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  evaluate: { expression: "0.1 + 0.2" },
  count: { text: "to be or not to be" },
  diff: { before: "tea", after: "coffee" },
  slug: { text: "Hello, World!" },
  hash: { text: "abc" },
  case: { text: "hello world" },
  now: { zone: "Tokyo" },
  convert: { time: "3 pm", from: "London", to: "New York" },
  add: { duration: "3 days ago", time: "2026-11-22" },
  difference: { from: "2026-11-22", to: "2027-01-01" },
};

for (const name of ["calculator", "clock", "text-tools"]) {
  const skill = useCatalogSkill(name);
  const { manifest } = await loadSkill(path.join(CATALOG_DIR, name));
  describe(name, () => {
    for (const tool of manifest.tools) {
      test.for(tool.examples)(`${tool.name}: $text`, async (example, { expect }) => {
        const input = fill(example, SAYINGS[tool.name] ?? {});
        const output = await skill.run(tool.name, input);
        for (const part of parseTemplate(tool.answer ?? "")) {
          if (part.kind === "hole") expect({ ...input, ...output }).toHaveProperty(part.path);
        }
      });
    }

    test("each tool can be called by text or shows how it is called", ({ expect }) => {
      for (const tool of manifest.tools) {
        expect(tool.examples.length, tool.name).toBeGreaterThanOrEqual(2);
        expect(tool.examples.length, tool.name).toBeLessThanOrEqual(5);
        expect(tool.answer, tool.name).toBeDefined();
        expect(tool.output, tool.name).toBeDefined();
      }
    });
  });
}

function fill(
  { input }: ManifestExample,
  sayings: Readonly<Record<string, string>>,
): Readonly<Record<string, JsonValue>> {
  const filled = Object.entries(input).map(([name, value]) =>
    value === `{${name}}` ? [name, sayings[name] ?? "nothing said"] : [name, value],
  );
  return Object.fromEntries(filled);
}
