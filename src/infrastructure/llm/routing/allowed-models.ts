import type { ModelSettings } from "./model-settings.ts";
import { resolveModel } from "./resolve-chain.ts";

type Settings = Pick<ModelSettings, "aliases" | "allow" | "providers">;

/**
 * Whether people may choose `name`, a model or an alias that counts as what it stands for. All may
 * be chosen where there is no list, and the default one always. Throws `Fault` (`LLM_REFUSED`) for a
 * name that is not known.
 */
export function isAllowed(name: string, settings: Settings, defaultModel: string): boolean {
  const model = resolveModel(name, settings);
  const { allow, aliases } = settings;
  if (allow === undefined) return true;
  if (name === defaultModel || model === (aliases[defaultModel] ?? defaultModel)) return true;
  return allow.some((pattern) => matches(model, aliases[pattern] ?? pattern));
}

/** Whether `text` is `pattern`, in which a `*` stands for any characters. */
function matches(text: string, pattern: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return text === pattern;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= end;
}
