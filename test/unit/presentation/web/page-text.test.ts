import { describe, test } from "vitest";
import { pickExamples } from "../../../../src/presentation/web/examples.ts";
import { toFailureText } from "../../../../src/presentation/web/failure-text.ts";
import { prettyJson, summarize } from "../../../../src/presentation/web/json-text.ts";
import { parseRoute, toHash } from "../../../../src/presentation/web/route.ts";

const skill = (name: string, ...tools: { name: string; examples?: readonly string[] }[]) => ({
  name,
  version: "1.0.0",
  description: "",
  tools: tools.map((tool) => Object.assign({ description: `Does ${tool.name}` }, tool)),
});

describe("pickExamples()", () => {
  test("takes one of each skill before a second of any", ({ expect }) => {
    const skills = [
      skill("a", { name: "x", examples: ["a1"] }, { name: "y", examples: ["a2"] }),
      skill("b", { name: "x", examples: ["b1", "b2"] }),
    ];
    expect(pickExamples(skills).map(({ text }) => text)).toEqual(["a1", "b1", "a2"]);
  });

  test("prefers what can be sent as it is, and stops where something is to be filled in", ({
    expect,
  }) => {
    const examples = ["what time is it in {zone}", "what time is it"];
    const picked = pickExamples([skill("clock", { name: "now", examples })]);
    expect(picked.map(({ text, isComplete }) => [text, isComplete])).toEqual([
      ["what time is it", true],
      ["what time is it in ", false],
    ]);
  });

  test("offers a command to finish where a skill has no examples", ({ expect }) => {
    expect(pickExamples([skill("clock", { name: "now" })])).toEqual([
      { text: "/clock.now ", description: "Does now", isComplete: false },
    ]);
    expect(pickExamples([])).toEqual([]);
  });
});

describe("summarize()", () => {
  test("shows the only value of an object, else one short line", ({ expect }) => {
    expect(summarize('{"expression":"2 +\\n 2"}')).toBe("2 + 2");
    expect(summarize('{"a":1,"b":[2]}')).toBe('{"a":1,"b":[2]}');
    expect(summarize("{}")).toBe("{}");
    expect(summarize('{"half":')).toBe('{"half":');
    expect(summarize(JSON.stringify("x".repeat(500))).length).toBe(120);
  });
});

test("prettyJson() leaves alone what is not JSON yet", ({ expect }) => {
  expect(prettyJson('{"a":1}')).toBe('{\n  "a": 1\n}');
  expect(prettyJson('{"a":')).toBe('{"a":');
});

test("parseRoute() and toHash() are inverse and take no other address", ({ expect }) => {
  for (const route of [{ kind: "new" }, { kind: "session", sessionId: "0198-Ab_c" }] as const) {
    expect(parseRoute(toHash(route))).toEqual(route);
  }
  for (const hash of ["", "#", "#/c/", "#/c/a/b", "#/c/%2e%2e", "#token=x"]) {
    expect(parseRoute(hash)).toEqual({ kind: "new" });
  }
});

test("toFailureText() falls back to the server's own words", ({ expect }) => {
  expect(toFailureText("LLM_TIMEOUT", "x").title).toBe("The model did not answer in time");
  expect(toFailureText("SOMETHING_NEW", "It broke").title).toBe("It broke");
});
