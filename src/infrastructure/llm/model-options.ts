import type { ModelLimits } from "./model-limits.ts";

/** What every adapter of a service is made from; limits that are left out are the usual ones. */
export interface ModelOptions extends Partial<ModelLimits> {
  /** As the service calls it, without its provider. */
  readonly model: string;
  readonly apiKey: string | undefined;
  /** Where the service is, if not at the usual address. */
  readonly baseUrl: string | undefined;
  /** The variable that a person sets to mend the key; as usual for the provider where left out. */
  readonly keyVariable?: string | undefined;
}

/** Services that speak OpenAI's APIs: their own, or any under the name `custom:<name>`. */
export interface OpenAiOptions extends ModelOptions {
  readonly provider?: "openai" | `custom:${string}` | undefined;
  /** Left out: Responses at OpenAI's own address, Chat Completions elsewhere. */
  readonly api?: "chat" | "responses" | undefined;
}
