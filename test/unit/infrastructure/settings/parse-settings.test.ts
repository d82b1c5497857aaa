import { describe, test } from "vitest";
import { z } from "zod";
import { Fault } from "#domain/shared/fault.ts";
import { parseSettings } from "#infrastructure/settings/parse-settings.ts";

const schema = z.strictObject({
  default: z.string().optional(),
  limits: z.strictObject({ retries: z.int().max(10).optional() }).optional(),
  names: z.record(z.string().regex(/^[a-z]+$/u, "expected lower case"), z.url()).optional(),
  chain: z.array(z.string()).optional(),
});

describe("parseSettings()", () => {
  test("gives what the schema makes of the text", ({ expect }) => {
    expect(parse("default: one\nlimits: { retries: 3 }")).toEqual({
      default: "one",
      limits: { retries: 3 },
    });
  });

  test("takes an empty text, or one of comments, for an empty map", ({ expect }) => {
    expect([parse(""), parse("# nothing yet\n")]).toEqual([{}, {}]);
  });

  test.for([
    ["- one", "models.yaml:1:1: found a list, expected a value of type object"],
    [
      "limits:\n  retries: many",
      "models.yaml:2:3: limits.retries: found a text, expected a value of type number",
    ],
    [
      "limits:\n  retries: 11",
      "models.yaml:2:3: limits.retries: found a number, expected at most 10",
    ],
    ["limits:\n  tries: 1", "models.yaml:2:3: limits.tries: unknown property"],
    [
      "chain: [one, 2]",
      "models.yaml:1:14: chain.1: found a number, expected a value of type string",
    ],
    ["names: { A: 'http://a' }", "models.yaml:1:10: names.A: unusable name, expected lower case"],
    ["default: &a one\nchain: [*a]", "models.yaml:2:9: found an alias, expected the value itself"],
    ["default: [", "models.yaml:1:11: Flow sequence in block collection"],
    ["default: one\ndefault: two", "models.yaml:2:1: Map keys must be unique"],
  ] as const)("says where %j is wrong", ([text, said], { expect }) => {
    expect(faultOf(text)).toContain(`Cannot use the settings: ${said}`);
  });

  test("names every fault, in the order of the lines", ({ expect }) => {
    expect(faultOf("nonsense: 1\nlimits:\n  retries: x\ndefault: 5")).toMatch(
      /:1:1: nonsense.*; models\.yaml:3:3: .*; models\.yaml:4:1: /u,
    );
  });

  test.for([
    "names: { key: hunter2-hunter2 }",
    'default: "hunter2-hunter2" more',
    "chain: hunter2-hunter2",
  ])("shows no value of %j", (text, { expect }) => {
    expect(faultOf(text)).not.toContain("hunter2");
  });
});

function parse(text: string) {
  return parseSettings(text, { file: "models.yaml", schema });
}

function faultOf(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof Fault && error.code === "CONFIG_INVALID") return error.message;
    throw error;
  }
  return "no fault";
}
