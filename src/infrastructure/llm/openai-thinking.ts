import type { LlmRequest } from "#application/ports/llm.ts";

type Effort = NonNullable<LlmRequest["reasoning"]>;

/** OpenAI's models that do not think refuse whatever is said of thinking. */
const THOUGHTLESS = /^(?:ft:)?(?:gpt-[34]|chatgpt-)|-chat-latest$/u;
/** They cannot be told not to think, but for the ones below, which can do with next to nothing. */
const ALWAYS_THINKING = /^o\d/u;
const LEAST_IS_MINIMAL = /^gpt-5(?:-mini|-nano)?(?:-\d{4}-\d{2}-\d{2})?$/u;

export function canThink(model: string): boolean {
  return !THOUGHTLESS.test(model);
}

/** How much a model is told to think, in the words that it knows; `undefined`: nothing is said. */
export function toEffort(
  reasoning: Effort | undefined,
  { model, isOpenAi }: { readonly model: string; readonly isOpenAi: boolean },
): Effort | "minimal" | undefined {
  // Not all of the services that resemble OpenAI's know a word for it.
  if (!isOpenAi) return reasoning === "none" ? undefined : reasoning;
  if (!canThink(model)) return undefined;
  if (reasoning !== "none") return reasoning;
  if (ALWAYS_THINKING.test(model)) return "low";
  return LEAST_IS_MINIMAL.test(model) ? "minimal" : "none";
}
