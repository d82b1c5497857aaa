import { readFile } from "node:fs/promises";
import { describe, test } from "vitest";
import { readPolicies } from "../../../../runtime/policy/read-policies.ts";
import { parsePolicy, toPolicyJsonSchema } from "../../../../runtime/policy/sandbox-policy.ts";

const DIR = new URL("../../../../sandbox-policies/", import.meta.url);

describe("parsePolicy()", () => {
  test.for([
    ["an unknown key", "mode: enforce", "mode: enforce\nmood: calm", 'Unrecognized key: "mood"'],
    ["audit mode", "mode: enforce", "mode: audit", '"audit" and "learn" are not supported yet'],
    ["a missing limit", "  wallMs: 5000\n", "", "ceiling.wallMs: "],
    ["a limit of nothing", "wallMs: 5000", "wallMs: 0", "ceiling.wallMs: "],
    ["an unknown grant", "log: true", "files: true", 'grants: Unrecognized key: "files"'],
    ["broken YAML", "match:", "match: [", 'Cannot read policy "broken.yaml"'],
  ] as const)("names the file and the place of %s", async ([, from, to, fault], { expect }) => {
    const text = await readFile(new URL("default.yaml", DIR), "utf8");
    expect(text).toContain(from);
    const parse = () => parsePolicy(text.replace(from, to), "broken.yaml");
    expect(parse).toThrow('"broken.yaml"');
    expect(parse).toThrow(fault);
  });
});

test("readPolicies() reads the shipped policies", async ({ expect }) => {
  const policies = await readPolicies(DIR.pathname);
  expect(policies.map(({ metadata }) => metadata.name)).toContain("default");
});

test("policy.schema.json is what the policy schema says", async ({ expect }) => {
  const written = JSON.parse(await readFile(new URL("policy.schema.json", DIR), "utf8"));
  expect(written).toEqual(JSON.parse(JSON.stringify(toPolicyJsonSchema())));
});
