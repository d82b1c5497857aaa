import type {
  ListedModel,
  ModelOverview,
  ModelProvider,
} from "#application/ports/model-overview.ts";
import { OFFLINE_MODEL, providerOf } from "#domain/model/model-name.ts";
import { Fault } from "#domain/shared/fault.ts";
import { defaultModelOf, type ModelAccess } from "./model-access.ts";
import { openModel } from "./open-model.ts";
import { isAllowed } from "./routing/allowed-models.ts";
import { factsOf, KNOWN_MODELS, PRICES_AS_OF } from "./routing/model-catalog.ts";
import type { ModelSettings } from "./routing/model-settings.ts";
import { resolveChain, resolveModel } from "./routing/resolve-chain.ts";

const PROVIDERS = ["openai", "anthropic", "ollama", "offline"];

/**
 * What there is to choose from: all that the settings name, the rules that are built in, and of the
 * table the models of providers that have a key; of these what people may choose.
 */
export function describeModels(access: ModelAccess, settings: ModelSettings): ModelOverview {
  const custom = Object.keys(settings.providers.custom ?? {}).map((name) => `custom:${name}`);
  const providers = [...PROVIDERS, ...custom].map((name) => toProvider(name, access, settings));
  const keyed = new Set(providers.filter(({ keys }) => keys > 0).map(({ name }) => name));
  const name = defaultModelOf(access, settings);
  const named = [
    name,
    ...Object.values(settings.aliases),
    ...Object.keys(settings.fallbacks),
    ...Object.values(settings.fallbacks).flat(),
    ...Object.keys(settings.models),
    ...Object.keys(settings.prices),
    ...KNOWN_MODELS.filter((model) => keyed.has(providerOf(model))),
    OFFLINE_MODEL,
  ];
  const isChoice = (each: string) =>
    findModel(each, settings) === undefined || isAllowed(each, settings, name);
  const models = new Set(named.filter(isChoice).map((each) => findModel(each, settings) ?? each));
  return {
    default: { name, model: findModel(name, settings) ?? name },
    providers,
    aliases: Object.entries(settings.aliases)
      .filter(([alias]) => isChoice(alias))
      .map(([alias, model]) => ({ name: alias, model })),
    models: [...models].map((model) => toListed(model, access, settings)),
    ...(settings.allow !== undefined && { allow: settings.allow }),
    pricesAsOf: PRICES_AS_OF,
  };
}

function toProvider(name: string, access: ModelAccess, settings: ModelSettings): ModelProvider {
  const keys = access.modelKeys[name]?.length ?? 0;
  const isUsable = canOpen(name === "offline" ? OFFLINE_MODEL : `${name}/any`, access, settings);
  return { name, keys, isUsable };
}

function toListed(name: string, access: ModelAccess, settings: ModelSettings): ListedModel {
  const { price, contextTokens, maxOutputTokens } = factsOf(name, settings);
  return {
    name,
    isUsable: canOpen(name, access, settings),
    fallbacks: fallbacksOf(name, settings),
    ...(price !== undefined && { price }),
    ...(contextTokens !== undefined && { contextTokens }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
  };
}

function canOpen(model: string, { modelKeys, modelUrls }: ModelAccess, settings: ModelSettings) {
  const [apiKey] = modelKeys[providerOf(model)] ?? [];
  try {
    openModel(model, { apiKey, settings, baseUrls: modelUrls });
    return true;
  } catch (error) {
    if (error instanceof Fault || error instanceof RangeError) return false;
    throw error;
  }
}

function fallbacksOf(name: string, settings: ModelSettings): readonly string[] {
  if (findModel(name, settings) === undefined) return [];
  return resolveChain(name, settings)
    .slice(1)
    .map(({ model }) => model);
}

function findModel(name: string, settings: ModelSettings): string | undefined {
  try {
    return resolveModel(name, settings);
  } catch {
    return undefined;
  }
}
