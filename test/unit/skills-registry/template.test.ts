import { test } from "vitest";
import { parseTemplate } from "../../../skills-registry/template.ts";

test("parseTemplate() cuts text and holes apart", ({ expect }) => {
  expect(parseTemplate("It is {time} in {output.zone}.")).toEqual([
    { kind: "literal", text: "It is " },
    { kind: "hole", path: ["time"] },
    { kind: "literal", text: " in " },
    { kind: "hole", path: ["output", "zone"] },
    { kind: "literal", text: "." },
  ]);
  expect(parseTemplate("{a}{b}")).toHaveLength(2);
  expect(parseTemplate("plain")).toEqual([{ kind: "literal", text: "plain" }]);
});

test.for(["{", "}", "a {b", "{}", "{a b}", "{a.}", "{{a}}"])(
  "parseTemplate() refuses %j",
  (template, { expect }) => {
    expect(() => parseTemplate(template)).toThrow(`Cannot read template "${template}"`);
  },
);
