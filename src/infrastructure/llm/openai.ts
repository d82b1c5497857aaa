import type OpenAI from "openai";
import type { Llm, LlmEvent, LlmRequest } from "#application/ports/llm.ts";
import { oncePer } from "#domain/shared/once-per.ts";
import { AnswerMeter } from "./answer.ts";
import { modelFetch } from "./model-fetch.ts";
import { type ModelLimits, toLimits } from "./model-limits.ts";
import type { OpenAiOptions } from "./model-options.ts";
import { toService } from "./model-service.ts";
import { ChatAnswer } from "./openai-chat-answer.ts";
import { toChatRequest } from "./openai-chat-request.ts";
import { ResponsesAnswer } from "./openai-responses-answer.ts";
import { toResponsesRequest } from "./openai-responses-request.ts";
import { streamAnswer } from "./stream-answer.ts";
import { traceHeaders } from "./trace-headers.ts";

const OPENAI_URL = "https://api.openai.com/v1";

/**
 * A model behind OpenAI's Responses or Chat Completions API, or any server that speaks one of them
 * at `baseUrl`. Throws `Fault` (`CONFIG_INVALID`) without a key, but for a server on this machine.
 * Opens no connection before the first answer. Makes one attempt at an answer.
 */
export function createOpenAiLlm(options: OpenAiOptions): Llm {
  const { model, provider = "openai", baseUrl = OPENAI_URL } = options;
  const { keyVariable = "OPENAI_API_KEY" } = options;
  const limits = toLimits(options);
  const needsKey = provider === "openai";
  const service = toService(options, { provider, baseUrl, keyVariable, needsKey });
  const { hostname } = new URL(baseUrl);
  const isOpenAi = `.${hostname}`.endsWith(".api.openai.com");
  const api = options.api ?? (isOpenAi ? "responses" : "chat");
  const wire = { model, provider, isOpenAi };
  let client: Promise<OpenAI> | undefined;
  const load = () => (client ??= openClient(options, baseUrl, limits));

  async function* stream(request: LlmRequest, signal: AbortSignal): AsyncGenerator<LlmEvent> {
    const meter = new AnswerMeter(service.name, limits);
    const parts = { ...wire, skills: request.skills, meter };
    const answer = api === "chat" ? new ChatAnswer(parts) : new ResponsesAnswer(parts);
    const ask = (until: AbortSignal) => send(request, until);
    yield* streamAnswer({ service, limits, format: "sse", answer, meter, load, ask }, signal);
  }

  async function send(request: LlmRequest, signal: AbortSignal): Promise<Response> {
    const sdk = await load();
    const [path, params] =
      api === "chat"
        ? ["/chat/completions", toChatRequest(request, wire)]
        : ["/responses", toResponsesRequest(request, wire)];
    const headers = { "content-type": "application/json", ...traceHeaders(request) };
    return sdk.post(path, { body: toBody(params), headers, stream: true, signal }).asResponse();
  }

  return { name: service.name, stream };
}

/** What the SDK would make of it, but that tools are put into JSON once and not for each request. */
function toBody({ tools, ...rest }: { readonly tools?: readonly object[] }): string {
  const body = JSON.stringify(rest);
  if (tools === undefined) return body;
  return `${body.slice(0, -1)},"tools":[${tools.map(toJson).join(",")}]}`;
}

const toJson = oncePer((tool: object) => JSON.stringify(tool));

/** Loads the SDK, which takes longer than all else at start, when it is first needed. */
async function openClient(
  { apiKey }: OpenAiOptions,
  baseURL: string,
  { totalMs }: ModelLimits,
): Promise<OpenAI> {
  const { OpenAI: Client } = await import("openai");
  return new Client({
    baseURL,
    // The SDK insists on a key; without one no header is sent.
    apiKey: apiKey ?? "none",
    ...(apiKey === undefined && { defaultHeaders: { authorization: null } }),
    // What is not given here, the SDK would take from the environment.
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    fetch: modelFetch,
    // Whoever chose this model tries again; the limits on time are the answer's own.
    maxRetries: 0,
    timeout: totalMs + SLACK_MS,
    logLevel: "off",
  });
}

const SLACK_MS = 1_000;
