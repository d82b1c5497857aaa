import { Fault } from "#domain/shared/fault.ts";
import { isLoopback } from "../settings/web-address.ts";
import type { ModelService } from "./model-fault.ts";
import type { ModelOptions } from "./model-options.ts";

/** What a header can carry. */
const KEY = /^[\u0021-\u007e]+$/u;

export interface Whereabouts {
  readonly provider: string;
  readonly baseUrl: string;
  readonly keyVariable: string;
  /** False where servers commonly do without. */
  readonly needsKey: boolean;
}

/** Throws `Fault` (`CONFIG_INVALID`) for an address that is none, and for a key that is missing or no key. */
export function toService(
  { model, apiKey }: Pick<ModelOptions, "model" | "apiKey">,
  { provider, baseUrl, keyVariable, needsKey }: Whereabouts,
): ModelService {
  const name = `${provider}/${model}`;
  if (!URL.canParse(baseUrl) || !/^https?:$/u.test(new URL(baseUrl).protocol)) {
    const message = `Cannot use model "${name}": expected an http or https address of its service`;
    throw new Fault("CONFIG_INVALID", message);
  }
  const { host, hostname } = new URL(baseUrl);
  if (apiKey === undefined && needsKey && !isLoopback(hostname)) {
    const message = `Cannot use model "${name}" at ${host} without a key: set ${keyVariable} or ${keyVariable}_FILE`;
    throw new Fault("CONFIG_INVALID", message);
  }
  if (apiKey !== undefined && !KEY.test(apiKey)) {
    const message = `Cannot use ${keyVariable}: expected visible ASCII characters without spaces`;
    throw new Fault("CONFIG_INVALID", message);
  }
  return { name, provider, model, host, apiKey, keyVariable };
}
