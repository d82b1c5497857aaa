import { describe, test } from "vitest";
import { toRemaining } from "../../../../src/presentation/web/duration-text.ts";
import { pickExamples } from "../../../../src/presentation/web/examples.ts";
import { toFailureText } from "../../../../src/presentation/web/failure-text.ts";
import { prettyJson, summarize, toOpenJson } from "../../../../src/presentation/web/json-text.ts";
import type { TurnSpend } from "../../../../src/presentation/web/protocol.ts";
import { parseRoute, toHash } from "../../../../src/presentation/web/route.ts";
import { toSpendText } from "../../../../src/presentation/web/spend-text.ts";

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

test("toOpenJson() writes what cannot be seen as an escape", ({ expect }) => {
  const text = "pay \u202e gro.live \u200b\u{e0041} é 👩‍🔬";
  expect(toOpenJson({ text })).toBe(
    String.raw`{
  "text": "pay \u202e gro.live \u200b\udb40\udc41 é 👩\u200d🔬"
}`,
  );
  expect(toOpenJson("a\n\nb\\n")).toBe(
    String.raw`"a\n` + "\n" + String.raw`\n` + "\n" + String.raw`b\\n"`,
  );
  expect(toOpenJson(undefined)).toBe("null");
});

test("toRemaining() rounds up, so that nothing is over before it is", ({ expect }) => {
  const spans = [-5, 0, 1, 59_100, 99_000, 100_000, 3_600_000, 86_400_000, 400_000_000];
  expect(spans.map(toRemaining)).toEqual([
    "no time",
    "no time",
    "1 s",
    "60 s",
    "99 s",
    "2 min",
    "60 min",
    "24 h",
    "5 days",
  ]);
});

test("toSpendText() leaves out what there was none of", ({ expect }) => {
  const of = (spend: Partial<TurnSpend["spend"]>) =>
    toSpendText({
      model: "m",
      spend: { steps: 1, tokens: 0, costNanoUsd: 0, wallMs: 850, ...spend },
    });
  expect(of({})).toBe("850 ms");
  expect(of({ tokens: 1_234, costNanoUsd: 3_200_000, wallMs: 1_234, steps: 3 })).toBe(
    "1.2 s · 1,234 tokens · $0.0032 · 3 steps",
  );
  expect(of({ costNanoUsd: 1 })).toBe("850 ms · under $0.0001");
  expect(of({ costNanoUsd: 1_230_000_000, wallMs: 200_000 })).toBe("3 min · $1.23");
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
