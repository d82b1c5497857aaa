import { describe, test } from "vitest";
import { costOf } from "#domain/spend/price.ts";
import { isAllowed } from "#infrastructure/llm/routing/allowed-models.ts";
import { factsOf, KNOWN_MODELS } from "#infrastructure/llm/routing/model-catalog.ts";
import {
  modelSettingsSchema,
  NO_MODEL_SETTINGS,
} from "#infrastructure/llm/routing/model-settings.ts";
import { resolveChain } from "#infrastructure/llm/routing/resolve-chain.ts";
import { parseSettings } from "#infrastructure/settings/parse-settings.ts";

const text = `
default: fast
providers:
  custom:
    lab: { baseUrl: "http://127.0.0.1:9000/v1" }
aliases:
  fast: openai/gpt-5-mini
  mine: custom:lab/llama
fallbacks:
  fast: [mine, anthropic/claude-haiku-4-5, openai/gpt-5-mini, mine]
  openai/gpt-5-mini: [offline/rules]
prices:
  openai/gpt-5-mini: { input: 1, output: 2 }
models:
  custom:lab/llama: { contextTokens: 8192 }
`;

describe("models.yaml", () => {
  test("gives the chain of a model or an alias, none twice", ({ expect }) => {
    const settings = parse(text);
    expect(modelsOf("fast", settings)).toEqual([
      "openai/gpt-5-mini",
      "custom:lab/llama",
      "anthropic/claude-haiku-4-5",
    ]);
    expect(modelsOf("openai/gpt-5-mini", settings)).toEqual(["openai/gpt-5-mini", "offline/rules"]);
    expect(modelsOf("openai/other", settings)).toEqual(["openai/other"]);
  });

  test("says which names there are for one that is not known", ({ expect }) => {
    const settings = parse(text);
    expect(() => resolveChain("slow", settings)).toThrow(
      expect.objectContaining({
        code: "LLM_REFUSED",
        message: expect.stringMatching(/^Cannot find model "slow": .*"fast", "mine"$/u),
      }),
    );
    expect(() => resolveChain("custom:nowhere/x", settings)).toThrow('expected "nowhere" in');
    expect(() => resolveChain("constructor", settings)).toThrow("Cannot find model");
  });

  test.for([
    ["default: nobody", "1:1: default: found a text, expected a model, or an alias of this file"],
    ["aliases: { fast: fast }", "1:12: aliases.fast: found a text, expected"],
    ["aliases: { Fast: openai/x }", "aliases.Fast: unusable name, expected lower case"],
    [
      "fallbacks: { openai/x: [custom:lab/y] }",
      "fallbacks.openai/x.0: found a text, expected a provider of",
    ],
    ["fallbacks: { openai/x: [] }", "fallbacks.openai/x"],
    ["providers: { custom: { lab: {} } }", "providers.custom.lab.baseUrl: found nothing"],
    [
      'providers: { custom: { lab: { baseUrl: "http://u:secret@h/" } } }',
      "expected an address without a user or password",
    ],
    [
      'providers: { openai: { baseUrl: "http://secret@h/" } }',
      "expected an address without a user or password",
    ],
    ["prices: { openai/x: { input: 0.1234567, output: 1 } }", "expected at most 6 decimals"],
    ["prices: { openai/x: { input: -1, output: 1 } }", "prices.openai/x.input"],
    ["limits: { breaker: { failures: 0 } }", "limits.breaker.failures"],
    ["allow: [nobody]", "allow.0: found a text, expected a model, or an alias of this file"],
    ["allow: [opnai/gpt*]", "allow.0: found a text, expected"],
    ['allow: ["custom:lab/*"]', "allow.0: found a text, expected a provider of"],
    ['allow: ["openai/a *"]', "allow.0: found a text, expected"],
    ["reasoning: { nobody: low }", "reasoning.nobody: found"],
    ["reasoning: { openai/x: much }", 'expected one of "none", "low", "medium", "high"'],
    ["keys: { openai: sk-1 }", "keys: unknown property"],
  ] as const)("refuses %j", ([wrong, said], { expect }) => {
    expect(() => parse(wrong)).toThrow(said);
    expect(() => parse(wrong)).not.toThrow("secret");
  });

  test("says prices and sizes over the table, of dated names too", ({ expect }) => {
    const settings = parse(text);
    expect(factsOf("openai/gpt-5-mini-2025-08-07", settings).price).toEqual({
      input: 1,
      output: 2,
    });
    expect(factsOf("openai/gpt-4o-mini-2024-07-18", settings).imageTokens).toBe(48_169);
    expect(factsOf("openai/gpt-4o", settings).imageTokens).toBe(5_000);
    expect(factsOf("custom:lab/llama", settings)).toMatchObject({
      contextTokens: 8_192,
      price: undefined,
    });
    expect(factsOf("anthropic/claude-haiku-4-5-20251001", settings)).toMatchObject({
      price: { input: 1, cacheWrite: 1.25, output: 5 },
      contextTokens: 200_000,
    });
  });

  test.for([
    ["openai/gpt-4o-2024-05-13", 5],
    ["openai/gpt-4o-2024-08-06", 2.5],
    ["openai/gpt-5.5-2026-04-23", 5],
    ["openai/gpt-4o-2029-01-01", undefined],
    ["openai/gpt-5-mini-2029-01-01", undefined],
    ["openai/gpt-5-mini-20250807", undefined],
    ["openai/gpt-5-mini-latest", undefined],
    ["anthropic/claude-sonnet-4-5-20250929", 3],
    ["anthropic/claude-opus-4-5-20251101", 5],
    ["anthropic/claude-haiku-4-5-latest", 1],
  ] as const)(
    "has for %s the price %s for input, whatever its undated name costs",
    ([model, input], { expect }) => {
      expect(factsOf(model, NO_MODEL_SETTINGS).price?.input).toBe(input);
    },
  );

  test("takes the price that a file states for a name for its dates that cost the same", ({
    expect,
  }) => {
    const settings = parse(`prices:
  openai/gpt-4o: { input: 1, output: 1 }
  openai/gpt-4o-2029-01-01: { input: 7, output: 7 }
  custom:lab/llama: { input: 3, output: 3 }
providers: { custom: { lab: { baseUrl: "http://127.0.0.1:9000/v1" } } }`);
    const inputOf = (model: string) => factsOf(model, settings).price?.input;
    expect(inputOf("openai/gpt-4o-2024-11-20")).toBe(1);
    expect(inputOf("openai/gpt-4o-2024-05-13")).toBe(5);
    expect(inputOf("openai/gpt-4o-2029-01-01")).toBe(7);
    expect(inputOf("openai/gpt-4o-2029-01-02")).toBeUndefined();
    expect(inputOf("custom:lab/llama-2025-01-01")).toBe(3);
  });

  test("takes local models for free, and knows nothing of others", ({ expect }) => {
    const used = { inputTokens: 9, outputTokens: 9 };
    for (const model of ["ollama/qwen3:8b", "offline/rules"]) {
      const { price } = factsOf(model, NO_MODEL_SETTINGS);
      expect(price && costOf(price, used)).toBe(0);
    }
    expect(factsOf("openai/unheard-of", NO_MODEL_SETTINGS).price).toBeUndefined();
  });

  test("has a table whose every price is one that a file could state", ({ expect }) => {
    const prices = Object.fromEntries(
      KNOWN_MODELS.map((model) => [model, factsOf(model, NO_MODEL_SETTINGS).price]),
    );
    expect(modelSettingsSchema.safeParse({ prices }).error).toBeUndefined();
  });
});

describe("isAllowed()", () => {
  const judge = (name: string, allow: string) =>
    isAllowed(name, parse(`${text}\nallow: ${allow}`), "fast");

  test.for([
    ["openai/gpt-5.5", "[openai/gpt-5.5]", true],
    ["openai/gpt-5.5-pro", "[openai/gpt-5.5]", false],
    ["openai/gpt-5.5-pro", '["openai/gpt-5*"]', true],
    ["openai/o4", '["openai/gpt-5*"]', false],
    ["ollama/library/qwen3:8b", '["ollama/*"]', true],
    ["custom:lab/llama", '["custom:*/llama"]', true],
    ["custom:lab/llama", '["custom:*/llama-4"]', false],
    ["ollama/x", '["*"]', true],
    ["anthropic/claude-haiku-4-5", '["*/claude-*-4-*", "ollama/*"]', true],
    ["anthropic/claude-4-", '["*/claude-*-4-*"]', false],
    ["openai/aa", '["openai/aa*aa"]', false],
    ["openai/aaaa", '["openai/aa*aa"]', true],
    // An alias counts as what it stands for, in the list and where it is chosen.
    ["mine", '["custom:lab/*"]', true],
    ["mine", '["openai/*"]', false],
    ["custom:lab/llama", "[mine]", true],
    ["openai/gpt-5.5", "[]", false],
    // The default one, here "fast", goes by both of its names.
    ["fast", "[]", true],
    ["openai/gpt-5-mini", "[]", true],
    // That it is a fallback of the operator's makes it nobody's choice.
    ["anthropic/claude-haiku-4-5", "[]", false],
  ] as const)("whether %s may be chosen where there is %s: %s", ([name, allow, is], { expect }) => {
    expect(judge(name, allow)).toBe(is);
  });

  test("lets everything be chosen where there is no list, but what there is not", ({ expect }) => {
    expect(isAllowed("openai/whatever", parse(text), "fast")).toBe(true);
    expect(() => isAllowed("slow", parse(text), "fast")).toThrow("Cannot find model");
  });

  test("takes time in proportion to a name, whatever the list", ({ expect }) => {
    const settings = parse(`${text}\nallow: ["openai/${"a*".repeat(120)}b"]`);
    const startMs = performance.now();
    for (let round = 0; round < 1_000; round += 1) {
      expect(isAllowed(`openai/${"a".repeat(190)}`, settings, "fast")).toBe(false);
    }
    // Backtracking would take longer than anybody lives.
    expect(performance.now() - startMs).toBeLessThan(10_000);
  });
});

test("resolveChain() says how much each model is to think, aliases by their own word first", ({
  expect,
}) => {
  const settings = parse(`${text}
reasoning:
  fast: high
  openai/gpt-5-mini: low
  mine: none
  openai/gpt-5.5: medium`);
  const chain = (name: string) =>
    resolveChain(name, settings).map(({ model, reasoning }) => [model, reasoning]);
  expect(chain("fast")).toEqual([
    ["openai/gpt-5-mini", "high"],
    ["custom:lab/llama", "none"],
    ["anthropic/claude-haiku-4-5", undefined],
  ]);
  expect(chain("openai/gpt-5-mini")[0]).toEqual(["openai/gpt-5-mini", "low"]);
  expect(chain("openai/gpt-5-mini-2025-08-07")[0]?.[1]).toBe("low");
  expect(chain("custom:lab/llama")).toEqual([["custom:lab/llama", undefined]]);
});

function modelsOf(name: string, settings: ReturnType<typeof parse>): readonly string[] {
  return resolveChain(name, settings).map(({ model }) => model);
}

function parse(yaml: string) {
  return parseSettings(yaml, { file: "models.yaml", schema: modelSettingsSchema });
}
