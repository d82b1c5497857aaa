import type { Llm } from "#application/ports/llm.ts";
import { customNameOf, parseModelName } from "#domain/model/model-name.ts";
import { Fault } from "#domain/shared/fault.ts";
import { createAnthropicLlm } from "./anthropic.ts";
import type { ModelOptions } from "./model-options.ts";
import { createOfflineLlm } from "./offline-rules.ts";
import { createOllamaLlm } from "./ollama.ts";
import { createOpenAiLlm } from "./openai.ts";
import type { ModelSettings } from "./routing/model-settings.ts";

export interface OpenModelOptions {
  readonly apiKey: string | undefined;
  readonly settings: Pick<ModelSettings, "providers" | "limits">;
  /** Where providers are, over what the settings say. */
  readonly baseUrls: Readonly<Record<string, string>>;
}

/**
 * The model named `<provider>/<model>`, for one attempt at an answer at a time. Throws `Fault`
 * (`CONFIG_INVALID`) where the provider lacks its key or address. Opens no connection.
 */
export function openModel(name: string, { apiKey, settings, baseUrls }: OpenModelOptions): Llm {
  const { provider, model } = parseModelName(name);
  const { providers, limits } = settings;
  const { firstTokenMs, betweenTokensMs, totalMs } = limits;
  const options: ModelOptions = {
    model,
    apiKey,
    baseUrl: baseUrlOf(provider, settings, baseUrls),
    ...(firstTokenMs !== undefined && { firstTokenMs }),
    ...(betweenTokensMs !== undefined && { betweenTokensMs }),
    ...(totalMs !== undefined && { totalMs }),
  };
  const custom = customNameOf(provider);
  if (custom !== undefined) {
    const service = providers.custom?.[custom];
    if (service === undefined) throw unknownService(name, custom);
    const keyVariable = keyVariableOf(provider);
    const own = { provider: `custom:${custom}`, api: service.api, keyVariable } as const;
    return createOpenAiLlm({ ...options, ...own });
  }
  switch (provider) {
    case "openai":
      return createOpenAiLlm({ ...options, api: providers.openai?.api });
    case "anthropic":
      return createAnthropicLlm(options);
    case "ollama":
      return createOllamaLlm(options);
    default:
      return createOfflineLlm();
  }
}

/** Where a provider is, if not at the usual address. */
export function baseUrlOf(
  provider: string,
  { providers }: Pick<ModelSettings, "providers">,
  baseUrls: Readonly<Record<string, string>>,
): string | undefined {
  const custom = customNameOf(provider);
  if (custom !== undefined) return providers.custom?.[custom]?.baseUrl;
  const given = baseUrls[provider];
  if (given !== undefined) return given;
  switch (provider) {
    case "openai":
    case "anthropic":
    case "ollama":
      return providers[provider]?.baseUrl;
    default:
      return undefined;
  }
}

/** The variable that holds a provider's first key. */
export function keyVariableOf(provider: string): string {
  const custom = customNameOf(provider);
  if (custom === undefined) return `${provider.toUpperCase()}_API_KEY`;
  return `NEXFLOW_CUSTOM_${custom.toUpperCase().replaceAll("-", "_")}_API_KEY`;
}

function unknownService(name: string, custom: string): Fault {
  return new Fault(
    "CONFIG_INVALID",
    `Cannot use model "${name}": expected "${custom}" in providers.custom of models.yaml`,
  );
}
