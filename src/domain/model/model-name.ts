/** A model as people name it: `<provider>/<model>`. */
export interface ModelName {
  /** `openai`, `anthropic`, `ollama`, `offline`, or `custom:<name>` for a service of one's own. */
  readonly provider: string;
  /** As its service calls it; may hold slashes and colons of its own. */
  readonly model: string;
}

const PROVIDER = /^(?:openai|anthropic|ollama|offline|custom:[a-z0-9][a-z0-9-]{0,31})$/u;
const MODEL = /^[^\s\p{Cc}]{1,200}$/u;
const ALIAS = /^[a-z0-9][a-z0-9._-]{0,63}$/u;

export const MODEL_FORM =
  '"<provider>/<model>", the provider being openai, anthropic, ollama, offline or custom:<name>';

/** Throws `RangeError` where `raw` is no model's name; an alias is none. */
export function parseModelName(raw: string): ModelName {
  const provider = providerOf(raw);
  const name = { provider, model: raw.slice(raw.indexOf("/") + 1) };
  const isKnown = provider !== "offline" || raw === OFFLINE_MODEL;
  if (PROVIDER.test(name.provider) && MODEL.test(name.model) && isKnown) return name;
  throw new RangeError(`Cannot use model "${raw.slice(0, 80)}": expected ${MODEL_FORM}`);
}

export function isModelName(raw: string): boolean {
  try {
    parseModelName(raw);
    return true;
  } catch {
    return false;
  }
}

/** Of a model's name; empty where it has none. */
export function providerOf(model: string): string {
  return model.slice(0, Math.max(model.indexOf("/"), 0));
}

/** "gpt-5-mini-2025-08-07" and "claude-haiku-4-5-20251001" are what they are without the date. */
export function undated(model: string): string {
  return model.replace(/-(?:\d{4}-\d{2}-\d{2}|\d{8}|latest)$/u, "");
}

/** The rules that are built in. */
export const OFFLINE_MODEL = "offline/rules";

/** Whether it is no language model: it costs nothing, and can sum nothing up. */
export function isOffline(model: string): boolean {
  return providerOf(model) === "offline";
}

/** Whether models of such a provider may be named. */
export function isProvider(raw: string): boolean {
  return PROVIDER.test(raw);
}

/** Whether a model may be called so for short. */
export function isModelAlias(raw: string): boolean {
  return ALIAS.test(raw);
}

/** The name of a service of one's own, without `custom:`; `undefined` for the others. */
export function customNameOf(provider: string): string | undefined {
  return provider.startsWith("custom:") ? provider.slice("custom:".length) : undefined;
}
