import type { LlmRequest } from "#application/ports/llm.ts";
import {
  customNameOf,
  isModelName,
  MODEL_FORM,
  providerOf,
  undated,
} from "#domain/model/model-name.ts";
import { Fault } from "#domain/shared/fault.ts";
import type { ModelSettings } from "./model-settings.ts";

type Names = Pick<ModelSettings, "aliases" | "providers">;
type Chains = Names & Pick<ModelSettings, "fallbacks" | "reasoning">;

/** A model of a chain, and how much it is to think: the file does not always say so. */
export interface Link {
  readonly model: string;
  readonly reasoning: LlmRequest["reasoning"];
}

/**
 * The models that are asked for `name`, a model or an alias: itself, then its fallbacks in order,
 * none twice. Those of an alias go before those of the model that it stands for. Fallbacks have no
 * fallbacks of their own. Throws `Fault` (`LLM_REFUSED`) for a name that is not known.
 */
export function resolveChain(name: string, settings: Chains): readonly [Link, ...Link[]] {
  const first = toLink(name, settings);
  const fallbacks = settings.fallbacks[name] ?? settings.fallbacks[first.model] ?? [];
  const seen = new Set([first.model]);
  const others: Link[] = [];
  for (const link of fallbacks.map((each) => toLink(each, settings))) {
    if (!seen.has(link.model)) others.push(link);
    seen.add(link.model);
  }
  return [first, ...others];
}

function toLink(name: string, settings: Chains): Link {
  const model = resolveModel(name, settings);
  return { model, reasoning: reasoningOf(name, model, settings) };
}

/** How much `model` is to think where it is asked as `name`, itself or an alias. */
export function reasoningOf(
  name: string,
  model: string,
  { reasoning }: Pick<ModelSettings, "reasoning">,
): Link["reasoning"] {
  return reasoning[name] ?? reasoning[model] ?? reasoning[undated(model)];
}

/** The model that `name` stands for. Throws `Fault` (`LLM_REFUSED`) for a name that is not known. */
export function resolveModel(name: string, { aliases, providers }: Names): string {
  const model = Object.hasOwn(aliases, name) ? aliases[name] : name;
  if (model === undefined || !isModelName(model)) {
    const known = Object.keys(aliases).map((alias) => `"${alias}"`);
    const or = known.length === 0 ? "" : `, or an alias of models.yaml: ${known.join(", ")}`;
    throw new Fault("LLM_REFUSED", `Cannot find model "${name}": expected ${MODEL_FORM}${or}`);
  }
  const custom = customNameOf(providerOf(model));
  if (custom === undefined || Object.hasOwn(providers.custom ?? {}, custom)) return model;
  throw new Fault(
    "LLM_REFUSED",
    `Cannot find model "${model}": expected "${custom}" in providers.custom of models.yaml`,
  );
}
