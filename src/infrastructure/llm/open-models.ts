import type { Logger } from "#application/ports/logger.ts";
import type { ModelChoice, ModelOverview } from "#application/ports/model-overview.ts";
import type { ModelWindow } from "#application/ports/model-window.ts";
import { providerOf } from "#domain/model/model-name.ts";
import { Fault } from "#domain/shared/fault.ts";
import { openSettings, type SettingsFile } from "../settings/settings-file.ts";
import { describeModels } from "./describe-models.ts";
import { defaultModelOf, type ModelAccess, modelsFile, readModelSettings } from "./model-access.ts";
import { openModel } from "./open-model.ts";
import { isAllowed } from "./routing/allowed-models.ts";
import { factsOf, type ModelFacts } from "./routing/model-catalog.ts";
import { ModelRouter } from "./routing/model-router.ts";
import { type ModelSettings, modelSettingsSchema } from "./routing/model-settings.ts";
import { resolveModel } from "./routing/resolve-chain.ts";

/** Throws `Fault` (`CONFIG_INVALID`) where the file or the default model cannot be used. */
export async function checkDefaultModel(access: ModelAccess): Promise<string> {
  const settings = await readModelSettings(access.homeDir);
  const name = defaultModelOf(access, settings);
  const { modelKeys, modelUrls } = access;
  try {
    const model = resolveModel(name, settings);
    const [apiKey] = modelKeys[providerOf(model)] ?? [];
    openModel(model, { apiKey, settings, baseUrls: modelUrls });
    return model;
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== "LLM_REFUSED") throw error;
    throw new Fault("CONFIG_INVALID", error.message, { cause: error });
  }
}

export interface OpenModelsOptions {
  readonly access: ModelAccess;
  readonly log: Logger;
}

/** The models of this Nexflow, as `models.yaml` says from time to time. */
export async function openModels({ access, log }: OpenModelsOptions): Promise<Models> {
  const file = modelsFile(access.homeDir);
  return new Models(access, await openSettings({ path: file, schema: modelSettingsSchema, log }));
}

/** Follows its file until `close`. */
export class Models {
  /** Answers by the model of a request, with all that `models.yaml` says of repeats and fallbacks. */
  readonly llm: ModelRouter;
  readonly access: ModelAccess;
  readonly #file: SettingsFile<ModelSettings>;

  constructor(access: ModelAccess, file: SettingsFile<ModelSettings>) {
    const { modelKeys, modelUrls } = access;
    this.access = access;
    this.#file = file;
    this.llm = new ModelRouter({
      settings: () => file.current,
      defaultModel: () => this.defaultModel,
      openModel: (name, apiKey, settings) =>
        openModel(name, { apiKey, settings, baseUrls: modelUrls }),
      keysOf: (provider) => modelKeys[provider] ?? [],
      nowMs: () => Date.now(),
      after: (ms, work) => {
        const timer = setTimeout(work, ms);
        return () => clearTimeout(timer);
      },
      random: Math.random,
    });
  }

  get settings(): ModelSettings {
    return this.#file.current;
  }

  /** The model or alias of sessions that choose none. */
  get defaultModel(): string {
    return defaultModelOf(this.access, this.settings);
  }

  /** Whether people may choose `name`, a model or an alias. */
  judge(name: string): ModelChoice {
    if (this.#find(name) === undefined) return "unknown-model";
    return isAllowed(name, this.settings, this.defaultModel) ? "allowed" : "not-allowed";
  }

  /** The default model and the aliases that people may choose. */
  get names(): readonly string[] {
    const aliases = Object.keys(this.settings.aliases);
    const allowed = aliases.filter((name) => this.judge(name) === "allowed");
    return [...new Set([this.defaultModel, ...allowed])];
  }

  /** What `name` stands for and costs; a name that nothing is known of has no price. */
  readonly priceOf = (
    name: string,
  ): { readonly model: string } & Pick<ModelFacts, "price" | "imageTokens"> => {
    const model = this.#find(name) ?? name;
    const { price, imageTokens } = factsOf(model, this.settings);
    return { model, price, imageTokens };
  };

  readonly findWindow = (name: string | undefined): ModelWindow => {
    const model = this.#find(name ?? this.defaultModel) ?? name ?? this.defaultModel;
    const { contextTokens, maxOutputTokens } = factsOf(model, this.settings);
    return { model, contextTokens, outputTokens: maxOutputTokens };
  };

  describe(): ModelOverview {
    return describeModels(this.access, this.settings);
  }

  close(): void {
    this.#file.close();
  }

  #find(name: string): string | undefined {
    try {
      return resolveModel(name, this.settings);
    } catch {
      return undefined;
    }
  }
}
