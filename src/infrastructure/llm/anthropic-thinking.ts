import type { MessageCreateParamsStreaming } from "@anthropic-ai/sdk/resources/messages";
import type { LlmRequest } from "#application/ports/llm.ts";

type Effort = NonNullable<LlmRequest["reasoning"]>;
type Thinking = Pick<MessageCreateParamsStreaming, "thinking" | "output_config">;

/** How much older models are given to think with; the service takes no less than the least. */
const BUDGET_TOKENS = { low: 2_048, medium: 8_192, high: 16_384 } as const;
const LEAST_BUDGET_TOKENS = 1_024;

/** Models up to 4.5 are given a budget; later ones think as they see fit, within an effort. */
const BUDGETED = /^claude-(?:3\b|[a-z]+-(?:3|4)(?:-[0-5])?(?:-\d{8})?(?:-latest)?$)/u;
/** They think in any case. */
const ALWAYS_THINKING = /^claude-(?:fable|mythos)\b/u;
/** They think unless told otherwise. */
const THINKING_BY_ITSELF = /^claude-[a-z]+-(?:[5-9]|\d\d)\b/u;

/** How a model is told to think as much as `reasoning` says: each generation in another way. */
export function toThinking({
  model,
  reasoning,
  maxTokens,
}: {
  readonly model: string;
  readonly reasoning: Effort;
  readonly maxTokens: number;
}): Thinking {
  if (reasoning === "none") {
    if (ALWAYS_THINKING.test(model)) return { output_config: { effort: "low" } };
    return THINKING_BY_ITSELF.test(model) ? { thinking: { type: "disabled" } } : {};
  }
  if (!BUDGETED.test(model)) {
    const thinking = { type: "adaptive", display: "summarized" } as const;
    return { thinking, output_config: { effort: reasoning } };
  }
  // The thoughts are part of the answer, and must leave something of it.
  const budget = Math.min(BUDGET_TOKENS[reasoning], Math.floor(maxTokens / 2));
  if (budget < LEAST_BUDGET_TOKENS) return {};
  return { thinking: { type: "enabled", budget_tokens: budget } };
}
