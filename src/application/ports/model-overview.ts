import type { ModelPrice } from "#domain/spend/price.ts";

/** Whether people may choose a model, or why not. */
export type ModelChoice = "allowed" | "not-allowed" | "unknown-model";

/** The models that people may choose from; no key is in it. */
export interface ModelOverview {
  /** Of sessions that choose none, as it was written, and what it stands for. */
  readonly default: { readonly name: string; readonly model: string };
  readonly providers: readonly ModelProvider[];
  readonly aliases: readonly { readonly name: string; readonly model: string }[];
  readonly models: readonly ListedModel[];
  /** What the names of models have to be like that may be chosen; left out: any will do. */
  readonly allow?: readonly string[];
  /** When the built-in prices were put together. */
  readonly pricesAsOf: string;
}

export interface ModelProvider {
  readonly name: string;
  /** How many keys there are. */
  readonly keys: number;
  /** It has all that it takes to ask it: its key, or an address where none is needed. */
  readonly isUsable: boolean;
}

export interface ListedModel {
  /** `<provider>/<model>` */
  readonly name: string;
  readonly isUsable: boolean;
  /** Who is asked where it fails, in order. */
  readonly fallbacks: readonly string[];
  /** Nothing: it is not known. What it takes counts as free, and no budget in money lets it be asked. */
  readonly price?: ModelPrice | undefined;
  readonly contextTokens?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
}
