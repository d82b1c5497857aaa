import { describe, test } from "vitest";
import {
  findSyntaxLine,
  lineOf,
  readJsonLines,
} from "../../../skills-registry/format/json-lines.ts";

const TEXT = `{
  "name": "a, \\"b\\": {",
  "tools": [
    { "name": "one", "input": {} },
    {
      "name": "two", "sizes": [1,
        2, [3]]
    }
  ]
}`;

describe("readJsonLines()", () => {
  test("tells the line of every property and item", ({ expect }) => {
    const { lines, duplicates, tooDeep } = readJsonLines(TEXT, 32);
    expect(Object.fromEntries(lines)).toEqual({
      "": 1,
      name: 2,
      tools: 3,
      "tools[0]": 4,
      "tools[0].name": 4,
      "tools[0].input": 4,
      "tools[1]": 5,
      "tools[1].name": 6,
      "tools[1].sizes": 6,
      "tools[1].sizes[0]": 6,
      "tools[1].sizes[1]": 7,
      "tools[1].sizes[2]": 7,
      "tools[1].sizes[2][0]": 7,
    });
    expect({ duplicates, tooDeep }).toEqual({ duplicates: [], tooDeep: undefined });
  });

  test("tells names that stand twice in one object, however they are written", ({ expect }) => {
    const text = '{"a": {"b": 1}, "c": {"b": 1, "d": 2, "\\u0062": 3}, "\\u0061": 1}';
    expect(readJsonLines(text, 32).duplicates).toEqual(["c.b", "a"]);
  });

  test("reads hostile texts in no time", ({ expect }) => {
    const hidden = `{"a": ${"[".repeat(120_000)}${"]".repeat(120_000)}, "a": 1}`;
    expect(readJsonLines(hidden, 3).tooDeep).toBe("a[0][0]");
    const names = `{${Array.from({ length: 20_000 }, (_, index) => `"k${index}":1`).join()}}`;
    expect(readJsonLines(names, 32).lines.size).toBe(20_001);
    const escapes = `{"a": "${"\\n".repeat(120_000)}"}`;
    expect(readJsonLines(escapes, 32).lines.size).toBe(2);
  });
});

describe("lineOf()", () => {
  test("takes the nearest part around what is not there", ({ expect }) => {
    const { lines } = readJsonLines(TEXT, 32);
    expect(lineOf(lines, "tools[1].examples[0].text")).toBe(5);
    expect(lineOf(lines, "version")).toBe(1);
  });
});

describe("findSyntaxLine()", () => {
  test.for<[string, string, number]>([
    ["a name without quotes", '{\n  "a": 1,\n  b: 2\n}', 3],
    ["a word", '{\n  "a": yes\n}', 2],
    ["a comma too many", '{\n  "a": 1,\n}', 3],
    ["a comment", '{\n\n  // a\n  "a": 1}', 3],
    ["an end too early", '{\n  "a":\n\n', 2],
  ])("tells the line of %s", ([, text, line], { expect }) => {
    expect(findSyntaxLine(text, faultOf(text))).toBe(line);
  });
});

function faultOf(text: string): string {
  try {
    JSON.parse(text);
  } catch (error) {
    return String(error);
  }
  throw new Error("This is JSON");
}
