import type { Llm, LlmEvent, LlmRequest } from "#application/ports/llm.ts";
import { AnswerMeter } from "./answer.ts";
import { toLimits } from "./model-limits.ts";
import type { ModelOptions } from "./model-options.ts";
import { toService } from "./model-service.ts";
import { OllamaAnswer } from "./ollama-answer.ts";
import { askOllama } from "./ollama-client.ts";
import { toOllamaRequest } from "./ollama-request.ts";
import { streamAnswer } from "./stream-answer.ts";
import { traceHeaders } from "./trace-headers.ts";

const PROVIDER = "ollama";
export const OLLAMA_URL = "http://127.0.0.1:11434";
/** The first answer waits for the model to be loaded. */
const FIRST_TOKEN_MS = 300_000;

/** A model of an ollama server, on this machine where no other is named. Makes one attempt at an answer. */
export function createOllamaLlm(options: ModelOptions): Llm {
  const { model, apiKey, baseUrl = OLLAMA_URL, keyVariable = "OLLAMA_API_KEY" } = options;
  const limits = toLimits({ ...options, firstTokenMs: options.firstTokenMs ?? FIRST_TOKEN_MS });
  const where = { provider: PROVIDER, baseUrl, keyVariable, needsKey: false };
  const service = toService(options, where);

  async function* stream(request: LlmRequest, signal: AbortSignal): AsyncGenerator<LlmEvent> {
    const meter = new AnswerMeter(service.name, limits);
    const answer = new OllamaAnswer({ provider: PROVIDER, skills: request.skills, meter });
    const body = toOllamaRequest(request, { model, provider: PROVIDER });
    const headers = traceHeaders(request);
    const load = () => import("ollama");
    const ask = (until: AbortSignal) =>
      askOllama({ baseUrl, apiKey, headers }, until, (ollama) => ollama.chat(body));
    yield* streamAnswer({ service, limits, format: "lines", answer, meter, load, ask }, signal);
  }

  return { name: service.name, stream };
}
