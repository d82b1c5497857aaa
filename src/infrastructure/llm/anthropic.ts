import type Anthropic from "@anthropic-ai/sdk";
import type { Llm, LlmEvent, LlmRequest } from "#application/ports/llm.ts";
import { AnswerMeter } from "./answer.ts";
import { AnthropicAnswer } from "./anthropic-answer.ts";
import { toAnthropicRequest } from "./anthropic-request.ts";
import { modelFetch } from "./model-fetch.ts";
import { type ModelLimits, toLimits } from "./model-limits.ts";
import type { ModelOptions } from "./model-options.ts";
import { toService } from "./model-service.ts";
import { streamAnswer } from "./stream-answer.ts";
import { traceHeaders } from "./trace-headers.ts";

const PROVIDER = "anthropic";
const ANTHROPIC_URL = "https://api.anthropic.com";
const SLACK_MS = 1_000;

/**
 * A model behind Anthropic's Messages API. Throws `Fault` (`CONFIG_INVALID`) without a key, but for
 * a server on this machine. Opens no connection before the first answer. Makes one attempt at it.
 */
export function createAnthropicLlm(options: ModelOptions): Llm {
  const { model, baseUrl = ANTHROPIC_URL, keyVariable = "ANTHROPIC_API_KEY" } = options;
  const limits = toLimits(options);
  const where = { provider: PROVIDER, baseUrl, keyVariable, needsKey: true };
  const service = toService(options, where);
  let client: Promise<Anthropic> | undefined;
  const load = () => (client ??= openClient(options, baseUrl, limits));

  async function* stream(request: LlmRequest, signal: AbortSignal): AsyncGenerator<LlmEvent> {
    const meter = new AnswerMeter(service.name, limits);
    const answer = new AnthropicAnswer({ provider: PROVIDER, skills: request.skills, meter });
    const ask = (until: AbortSignal) => send(request, until);
    yield* streamAnswer({ service, limits, format: "sse", answer, meter, load, ask }, signal);
  }

  async function send(request: LlmRequest, signal: AbortSignal): Promise<Response> {
    const { messages } = await load();
    const body = toAnthropicRequest(request, { model, provider: PROVIDER });
    return messages.create(body, { signal, headers: traceHeaders(request) }).asResponse();
  }

  return { name: service.name, stream };
}

/** Loads the SDK when it is first needed. */
async function openClient(
  { apiKey }: ModelOptions,
  baseURL: string,
  { totalMs }: ModelLimits,
): Promise<Anthropic> {
  const { Anthropic: Client } = await import("@anthropic-ai/sdk");
  return new Client({
    // The SDK adds the version itself, which others' settings have at the end of the address.
    baseURL: baseURL.replace(/\/(?:v1\/?)?$/u, ""),
    // Without a key the SDK would look for one in the environment and in files.
    apiKey: apiKey ?? "none",
    authToken: null,
    webhookKey: null,
    ...(apiKey === undefined && { defaultHeaders: { "x-api-key": null, authorization: null } }),
    fetch: modelFetch,
    // Whoever chose this model tries again; the limits on time are the answer's own.
    maxRetries: 0,
    timeout: totalMs + SLACK_MS,
    logLevel: "off",
  });
}
