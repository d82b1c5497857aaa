import type { Ollama } from "ollama";
import { modelFetch } from "./model-fetch.ts";

export interface OllamaAddress {
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  /** Sent along. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The answer to what `call` asks an ollama server, to be read from its exchange: the SDK takes no
 * signal and prints what it cannot read.
 */
export async function askOllama(
  { baseUrl, apiKey, headers = {} }: OllamaAddress,
  signal: AbortSignal,
  call: (ollama: Ollama) => Promise<unknown>,
): Promise<Response> {
  const { Ollama: Client } = await import("ollama");
  const got = Promise.withResolvers<Response>();
  const client = new Client({
    host: baseUrl,
    headers: { ...headers, ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }) },
    fetch: async (input, init) => {
      got.resolve(await modelFetch(input, { ...init, signal }));
      // It insists on a body, which it does not come to read.
      return new Response("");
    },
  });
  call(client).catch(got.reject);
  return got.promise;
}
