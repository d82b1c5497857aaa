import type { TokenUsage } from "./token-usage.ts";

/** In US dollars for a million tokens; what is left out costs as much as other input. */
export interface ModelPrice {
  readonly input: number;
  /** Input that came from the service's cache. */
  readonly cachedInput?: number | undefined;
  /** Input that was put into the service's cache. */
  readonly cacheWrite?: number | undefined;
  /** Reasoning included. */
  readonly output: number;
}

export const FREE: ModelPrice = { input: 0, output: 0 };

/** Prices are exact to so many decimals. */
export const PRICE_DECIMALS = 6;
const PICO_OF_PRICE = 10 ** PRICE_DECIMALS;
const PICO_IN_NANO = 1_000n;

/**
 * What `usage` costs, in billionths of a US dollar: computed in whole trillionths, without error,
 * and rounded up once.
 */
export function costOf(price: ModelPrice, usage: TokenUsage): number {
  const { cachedInputTokens: cached = 0, cacheWriteTokens: written = 0 } = usage;
  const { input, cachedInput = input, cacheWrite = input, output } = price;
  const plain = Math.max(usage.inputTokens - cached - written, 0);
  const pico =
    times(plain, input) +
    times(cached, cachedInput) +
    times(written, cacheWrite) +
    times(usage.outputTokens, output);
  return Number((pico + PICO_IN_NANO - 1n) / PICO_IN_NANO);
}

/** How many more tokens of output `nanoUsd` pay for; any number where output is free. */
export function outputTokensFor(price: ModelPrice, nanoUsd: number): number {
  const each = picoOf(price.output);
  if (each === 0n) return Number.MAX_SAFE_INTEGER;
  return Number((BigInt(Math.max(Math.floor(nanoUsd), 0)) * PICO_IN_NANO) / each);
}

/** A dollar for a million tokens is a million trillionths for each. */
function picoOf(price: number): bigint {
  return BigInt(Math.round(price * PICO_OF_PRICE));
}

function times(tokens: number, price: number): bigint {
  return BigInt(Math.round(tokens)) * picoOf(price);
}
