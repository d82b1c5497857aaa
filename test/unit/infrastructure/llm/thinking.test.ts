import { describe, test } from "vitest";
import { toThinking } from "#infrastructure/llm/anthropic-thinking.ts";
import { canThink, toEffort } from "#infrastructure/llm/openai-thinking.ts";

describe("toThinking()", () => {
  test.for([
    [
      "claude-haiku-4-5-20251001",
      "medium",
      32_000,
      { thinking: { type: "enabled", budget_tokens: 8_192 } },
    ],
    ["claude-sonnet-4-5", "high", 8_000, { thinking: { type: "enabled", budget_tokens: 4_000 } }],
    [
      "claude-opus-4-1-20250805",
      "low",
      32_000,
      { thinking: { type: "enabled", budget_tokens: 2_048 } },
    ],
    ["claude-sonnet-4-20250514", "low", 1_000, {}],
    [
      "claude-3-7-sonnet-latest",
      "low",
      32_000,
      { thinking: { type: "enabled", budget_tokens: 2_048 } },
    ],
    ["claude-opus-4-5", "none", 32_000, {}],
    ["claude-sonnet-4-6", "none", 32_000, {}],
    ["claude-sonnet-5-5", "none", 32_000, { thinking: { type: "disabled" } }],
    ["claude-fable-5-1", "none", 32_000, { output_config: { effort: "low" } }],
    ["claude-opus-4-6", "high", 32_000, adaptive("high")],
    ["claude-haiku-5-5", "medium", 32_000, adaptive("medium")],
    ["claude-mythos-preview", "low", 32_000, adaptive("low")],
  ] as const)(
    "tells %s to think: %s of %i tokens",
    ([model, reasoning, maxTokens, told], { expect }) => {
      expect(toThinking({ model, reasoning, maxTokens })).toEqual(told);
    },
  );
});

describe("toEffort()", () => {
  test.for([
    ["gpt-5.5", "none", "none"],
    ["gpt-5-mini-2025-08-07", "none", "minimal"],
    ["o4-mini", "none", "low"],
    ["gpt-5.5", "high", "high"],
    ["gpt-4.1-mini", "high", undefined],
    ["gpt-5-chat-latest", "low", undefined],
    ["gpt-5.5", undefined, undefined],
  ] as const)("tells OpenAI's %s: %s", ([model, reasoning, told], { expect }) => {
    expect(toEffort(reasoning, { model, isOpenAi: true })).toBe(told);
  });

  test("has no word for other services' models that are not to think", ({ expect }) => {
    expect(toEffort("none", { model: "qwen", isOpenAi: false })).toBeUndefined();
    expect(toEffort("low", { model: "gpt-4", isOpenAi: false })).toBe("low");
  });

  test("knows which of OpenAI's models think", ({ expect }) => {
    const models = [
      "gpt-4o",
      "ft:gpt-4.1:me",
      "chatgpt-4o-latest",
      "gpt-5.4",
      "o3",
      "gpt-oss-120b",
    ];
    expect(models.map(canThink)).toEqual([false, false, false, true, true, true]);
  });
});

function adaptive(effort: "low" | "medium" | "high") {
  return {
    thinking: { type: "adaptive", display: "summarized" },
    output_config: { effort },
  } as const;
}
