import { providerOf } from "#domain/model/model-name.ts";
import { type ModelAccess, readModelSettings } from "./model-access.ts";
import { baseUrlOf, keyVariableOf } from "./open-model.ts";

/** Where the service of a model is, and how it is asked which models it has. */
export interface FoundService {
  readonly listUrl: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly keyVariable: string;
}

const USUAL_URLS: Readonly<Record<string, string>> = {
  openai: "https://api.openai.com/v1",
  anthropic: "https://api.anthropic.com",
  ollama: "http://127.0.0.1:11434",
};
const ANTHROPIC_VERSION = "2023-06-01";

export async function findService(model: string, access: ModelAccess): Promise<FoundService> {
  const provider = providerOf(model);
  const settings = await readModelSettings(access.homeDir);
  const usual = USUAL_URLS[provider] ?? "http://127.0.0.1";
  const base = (baseUrlOf(provider, settings, access.modelUrls) ?? usual).replace(/\/+$/u, "");
  const [key] = access.modelKeys[provider] ?? [];
  return {
    listUrl: new URL(`${base}${listPath(provider, base)}`),
    headers: key === undefined ? {} : headersWith(key, provider),
    keyVariable: keyVariableOf(provider),
  };
}

function headersWith(key: string, provider: string): Readonly<Record<string, string>> {
  if (provider !== "anthropic") return { authorization: `Bearer ${key}` };
  return { "x-api-key": key, "anthropic-version": ANTHROPIC_VERSION };
}

/** OpenAI's own addresses have the version at their end, Anthropic's mostly have not. */
function listPath(provider: string, base: string): string {
  if (provider === "ollama") return "/api/tags";
  return provider === "anthropic" && !base.endsWith("/v1") ? "/v1/models" : "/models";
}
