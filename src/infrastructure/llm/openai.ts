import type OpenAI from "openai";
import type { Llm, LlmEvent, LlmRequest } from "#application/ports/llm.ts";
import { Fault } from "#domain/shared/fault.ts";
import { OpenAiAnswer } from "./openai-answer.ts";
import { cutOff, type OpenAiService, toFault } from "./openai-fault.ts";
import { toOpenAiMessages, toOpenAiTools } from "./openai-request.ts";
import { createStallGuard } from "./stall-guard.ts";

export interface OpenAiOptions {
  readonly model: string;
  readonly apiKey: string | undefined;
  readonly baseUrl: string | undefined;
  readonly firstTokenMs?: number;
  readonly betweenTokensMs?: number;
  /** Text and tool arguments of one answer. */
  readonly maxAnswerChars?: number;
  /** Repeats of a request that failed before its first token. */
  readonly maxRetries?: number;
}

const OPENAI_URL = "https://api.openai.com/v1";
const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * A model behind OpenAI's Chat Completions API, or any server that speaks it at `baseUrl`. Throws
 * `Fault` (`CONFIG_INVALID`) without a key, but for a server on this machine. Opens no connection
 * before the first answer.
 */
export function createOpenAiLlm(options: OpenAiOptions): Llm {
  const { model, apiKey, baseUrl = OPENAI_URL, maxAnswerChars = 1_000_000 } = options;
  const url = new URL(baseUrl);
  if (apiKey === undefined && !LOOPBACK.has(url.hostname)) {
    throw new Fault(
      "CONFIG_INVALID",
      `Cannot use model "openai/${model}" at ${url.host} without a key: set OPENAI_API_KEY or OPENAI_API_KEY_FILE`,
    );
  }
  const service: OpenAiService = { model: `openai/${model}`, host: url.host, apiKey };
  let client: Promise<OpenAI> | undefined;

  async function* stream(request: LlmRequest, signal: AbortSignal): AsyncGenerator<LlmEvent> {
    const guard = createStallGuard(signal, options);
    const answer = new OpenAiAnswer({ model: service.model, maxChars: maxAnswerChars });
    try {
      client ??= openClient(options, baseUrl);
      for await (const chunk of await ask(await client, request, guard.signal)) {
        guard.pause();
        const delta = answer.add(chunk);
        if (delta !== "") yield { kind: "text", delta };
        guard.resume();
      }
    } catch (error) {
      if (!guard.signal.aborted) throw toFault(error, service);
    } finally {
      guard.pause();
    }
    if (signal.aborted) return;
    if (!answer.isFinished) {
      throw guard.stalledForMs === undefined ? cutOff(service) : stalled(guard.stalledForMs);
    }
    yield* answer.end(request.skills);
  }

  function ask(openai: OpenAI, request: LlmRequest, signal: AbortSignal) {
    const tools = toOpenAiTools(request.skills);
    return openai.chat.completions.create(
      {
        model,
        messages: toOpenAiMessages(request),
        ...(tools.length > 0 && { tools }),
        stream: true,
        stream_options: { include_usage: true },
      },
      { signal },
    );
  }

  function stalled(ms: number): Fault {
    return new Fault("LLM_TIMEOUT", `Model "${service.model}" sent nothing for ${ms / 1_000} s`);
  }

  return { name: service.model, stream };
}

/** Loads the SDK, which takes longer than all else at start, when it is first needed. */
async function openClient(
  { apiKey, maxRetries = 2 }: OpenAiOptions,
  baseURL: string,
): Promise<OpenAI> {
  const { OpenAI: Client } = await import("openai");
  return new Client({
    baseURL,
    // The SDK insists on a key; without one no header is sent.
    apiKey: apiKey ?? "none",
    ...(apiKey === undefined && { defaultHeaders: { authorization: null } }),
    adminAPIKey: null,
    maxRetries,
    logLevel: "off",
  });
}
