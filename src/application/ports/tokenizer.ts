import type { CountTokens } from "#domain/spend/estimate-tokens.ts";

/**
 * Loads what counts as a model (`<provider>/<model>`) does, at the first call for it; nothing where
 * nobody but its service knows how it counts. Never rejects. Quick for any text: long ones are
 * measured in samples.
 */
export type LoadTokenizer = (model: string) => Promise<CountTokens | undefined>;
