import { isOffline, providerOf, undated } from "#domain/model/model-name.ts";
import { FREE, type ModelPrice } from "#domain/spend/price.ts";
import type { ModelSettings } from "./model-settings.ts";

/** What is known of a model. */
export interface ModelFacts {
  /** `undefined`: not known, so that its use counts as free and is marked. */
  readonly price: ModelPrice | undefined;
  /** What it reads and writes in one answer at most. */
  readonly contextTokens: number | undefined;
  readonly maxOutputTokens: number | undefined;
  /** What a picture takes at most. */
  readonly imageTokens: number;
}

const K = 1_000;
const GPT_400: Limits = [400 * K, 128 * K];
const GPT_1M: Limits = [1_050_000, 128 * K];
const GPT_41: Limits = [1_047_576, 32_768];
const GPT_4O: Limits = [128 * K, 16_384];
const CLAUDE_1M: Limits = [1_000_000, 128 * K];
const CLAUDE_200: Limits = [200 * K, 64 * K];

type Limits = readonly [contextTokens: number, maxOutputTokens: number];

/** When the table below was put together from what the services published. */
export const PRICES_AS_OF = "2026-10-10";

interface Row {
  readonly price: ModelPrice;
  readonly limits: Limits;
  /** The dates of its name that cost the same. */
  readonly dates: "any" | readonly string[];
}

/**
 * Services change their prices: what `models.yaml` says goes first. Surcharges for long prompts are
 * not in it.
 */
const TABLE: Readonly<Record<string, Row>> = {
  "openai/gpt-5.5": openai(5, 0.5, 30, GPT_1M, ["2026-04-23"]),
  "openai/gpt-5.4": openai(2.5, 0.25, 15, GPT_1M, ["2026-03-05"]),
  "openai/gpt-5.4-mini": openai(0.75, 0.075, 4.5, GPT_400, ["2026-03-17"]),
  "openai/gpt-5.4-nano": openai(0.2, 0.02, 1.25, GPT_400, ["2026-03-17"]),
  "openai/gpt-5.2": openai(1.75, 0.175, 14, GPT_400, ["2025-12-11"]),
  "openai/gpt-5.1": openai(1.25, 0.125, 10, GPT_400, ["2025-11-13"]),
  "openai/gpt-5": openai(1.25, 0.125, 10, GPT_400, ["2025-08-07"]),
  "openai/gpt-5-mini": openai(0.25, 0.025, 2, GPT_400, ["2025-08-07"]),
  "openai/gpt-5-nano": openai(0.05, 0.005, 0.4, GPT_400, ["2025-08-07"]),
  "openai/gpt-4.1": openai(2, 0.5, 8, GPT_41, ["2025-04-14"]),
  "openai/gpt-4.1-mini": openai(0.4, 0.1, 1.6, GPT_41, ["2025-04-14"]),
  "openai/gpt-4.1-nano": openai(0.1, 0.025, 0.4, GPT_41, ["2025-04-14"]),
  "openai/gpt-4o": openai(2.5, 1.25, 10, GPT_4O, ["2024-08-06", "2024-11-20"]),
  /** Dearer than those after it, and nothing off for what comes from the cache. */
  "openai/gpt-4o-2024-05-13": openai(5, 5, 15, [128 * K, 4_096]),
  "openai/gpt-4o-mini": openai(0.15, 0.075, 0.6, GPT_4O, ["2024-07-18"]),
  "anthropic/claude-fable-5-1": anthropic(10, 0.25, 50, CLAUDE_1M),
  "anthropic/claude-fable-5": anthropic(10, 1, 50, CLAUDE_1M),
  "anthropic/claude-opus-5-5": anthropic(4, 0.2, 20, CLAUDE_1M),
  "anthropic/claude-opus-5": anthropic(5, 0.5, 25, CLAUDE_1M),
  "anthropic/claude-opus-4-8": anthropic(5, 0.5, 25, CLAUDE_200),
  "anthropic/claude-opus-4-7": anthropic(5, 0.5, 25, CLAUDE_200),
  "anthropic/claude-opus-4-6": anthropic(5, 0.5, 25, CLAUDE_200),
  "anthropic/claude-opus-4-5": anthropic(5, 0.5, 25, CLAUDE_200),
  "anthropic/claude-sonnet-5-5": anthropic(2, 0.1, 10, CLAUDE_1M),
  "anthropic/claude-sonnet-5": anthropic(2, 0.2, 10, CLAUDE_1M),
  "anthropic/claude-sonnet-4-6": anthropic(3, 0.3, 15, CLAUDE_200),
  "anthropic/claude-sonnet-4-5": anthropic(3, 0.3, 15, CLAUDE_200),
  "anthropic/claude-haiku-5-5": anthropic(0.1, 0.01, 0.5, CLAUDE_1M),
  "anthropic/claude-haiku-4-5": anthropic(1, 0.1, 5, CLAUDE_200),
};

/**
 * What services count for the largest picture, which they make smaller first. Anthropic: a token for
 * 750 pixels, up to 4,784 for models that see 2,576 pixels, 1,600 for others. OpenAI: 85 and 170 for
 * each of up to 8 tiles, or up to 1,536 patches at up to 2.46 tokens, or 2,500 at 1.2.
 */
const IMAGE_TOKENS = 5_000;
/** Of these each tile counts many times as much: 2,833 and 5,667 for each. */
const DEAR_IMAGES: Readonly<Record<string, number>> = { "openai/gpt-4o-mini": 2_833 + 8 * 5_667 };

/** The models of the table, by name. */
export const KNOWN_MODELS: readonly string[] = Object.keys(TABLE);

type Facts = Pick<ModelSettings, "models" | "prices">;

/**
 * What `settings` say of a model, else what the table says of it or of its undated name. A dated
 * model of the table has the price of its undated name only where the table says that it costs the
 * same: another one may cost more.
 */
export function factsOf(model: string, settings: Facts): ModelFacts {
  const base = undated(model);
  const row = TABLE[model] ?? TABLE[base];
  const own = settings.models[model] ?? settings.models[base];
  const common = isPricedAs(base, model)
    ? (settings.prices[base] ?? TABLE[base]?.price)
    : undefined;
  const price = settings.prices[model] ?? TABLE[model]?.price ?? common;
  return {
    price: price ?? (isLocal(model) ? FREE : undefined),
    contextTokens: own?.contextTokens ?? row?.limits[0],
    maxOutputTokens: own?.maxOutputTokens ?? row?.limits[1],
    imageTokens: DEAR_IMAGES[base] ?? IMAGE_TOKENS,
  };
}

/**
 * Whether `model` costs what `base`, its undated name, does. Of models that are not in the table
 * only the settings have a price, which then holds for all dates.
 */
function isPricedAs(base: string, model: string): boolean {
  const row = TABLE[base];
  if (row === undefined || row.dates === "any" || model === base) return true;
  return row.dates.includes(model.slice(base.length + 1));
}

/** Models that run on machines of one's own. */
function isLocal(model: string): boolean {
  return providerOf(model) === "ollama" || isOffline(model);
}

/** One name may have several dates here, at prices of their own: only those named cost the same. */
function openai(
  input: number,
  cachedInput: number,
  output: number,
  limits: Limits,
  dates: readonly string[] = [],
): Row {
  return { price: { input, cachedInput, output }, limits, dates };
}

/**
 * What goes into the cache costs a quarter more than other input. A name has one date, which is part
 * of how the model is called there.
 */
function anthropic(input: number, cachedInput: number, output: number, limits: Limits): Row {
  const price = { input, cachedInput, cacheWrite: input * 1.25, output };
  return { price, limits, dates: "any" };
}
