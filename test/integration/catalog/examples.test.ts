import path from "node:path";
import { describe, test } from "vitest";
import type { JsonValue } from "../../../runtime/index.ts";
import { CATALOG_DIR, loadSkill, type ManifestExample } from "../../../skills-registry/index.ts";
import { parseTemplate } from "../../../skills-registry/template.ts";
import { textOf, useCatalogSkill } from "./catalog-skill.ts";

type Sayings = Readonly<Record<string, string>>;

/** What a person may write for the placeholders, by skill and tool. */
const SAYINGS: Readonly<Record<string, Readonly<Record<string, Sayings>>>> = {
  calculator: { evaluate: { expression: "0.1 + 0.2" } },
  clock: {
    now: { zone: "Tokyo" },
    convert: { time: "3 pm", from: "London", to: "New York" },
    add: { duration: "3 days ago", time: "2026-11-22" },
    difference: { from: "2026-11-22", to: "2027-01-01" },
  },
  "text-tools": {
    count: { text: "to be or not to be" },
    diff: { before: "tea", after: "coffee" },
    slug: { text: "Hello, World!" },
    hash: { text: "abc" },
    case: { text: "hello world" },
  },
};

describe.for(Object.keys(SAYINGS))("%s", (name) => {
  const skill = useCatalogSkill(name);

  test("runs every example and states its result", async ({ expect }) => {
    const { manifest } = await loadSkill(path.join(CATALOG_DIR, name));
    for (const tool of manifest.tools) {
      expect(tool.examples.length, tool.name).toBeGreaterThanOrEqual(2);
      expect(tool.examples.length, tool.name).toBeLessThanOrEqual(6);
      // Shown to people to try: the first one is complete as it stands.
      expect(holesOf(tool.examples[0]?.text ?? "{none}"), tool.name).toEqual([]);
      expect(tool.output, tool.name).toBeDefined();
      for (const example of tool.examples) {
        const input = fill(example, SAYINGS[name]?.[tool.name] ?? {});
        const output = await skill.run(tool.name, input);
        for (const hole of holesOf(textOf(tool.answer))) {
          expect({ ...input, ...output }, example.text).toHaveProperty(hole);
        }
      }
    }
  });
});

function holesOf(template: string): readonly string[] {
  return parseTemplate(template).flatMap((part) =>
    part.kind === "hole" ? [part.path.join(".")] : [],
  );
}

function fill({ input }: ManifestExample, sayings: Sayings): Readonly<Record<string, JsonValue>> {
  const filled = Object.entries(input).map(([name, value]) =>
    value === `{${name}}` ? [name, sayings[name] ?? "nothing said"] : [name, value],
  );
  return Object.fromEntries(filled);
}
