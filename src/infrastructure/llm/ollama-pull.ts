import type { ProgressResponse } from "ollama";
import type { PullProgress } from "#application/ports/model-trials.ts";
import { Fault } from "#domain/shared/fault.ts";
import { parseEvent } from "./answer.ts";
import { EventReader } from "./event-reader.ts";
import { ServiceResponse } from "./exchange.ts";
import { complaintIn, type ModelService, toFault } from "./model-fault.ts";
import { toLimits } from "./model-limits.ts";
import type { ModelOptions } from "./model-options.ts";
import { toService } from "./model-service.ts";
import { OLLAMA_URL } from "./ollama.ts";
import { askOllama } from "./ollama-client.ts";

/** Checking the sum of a large model takes minutes without a word. */
const SILENCE_MS = 600_000;

/**
 * Has an ollama server fetch a model, and tells of the progress until it has it. Throws `Fault`
 * where that fails; simply ends with `signal`, after which the server gives up too.
 */
export async function* pullOllamaModel(
  options: Pick<ModelOptions, "model" | "apiKey" | "baseUrl">,
  signal: AbortSignal,
): AsyncGenerator<PullProgress> {
  const { model, apiKey, baseUrl = OLLAMA_URL } = options;
  const where = { provider: "ollama", baseUrl, keyVariable: "OLLAMA_API_KEY", needsKey: false };
  const service = toService(options, where);
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), SILENCE_MS);
  let isAnswering = false;
  try {
    const until = AbortSignal.any([signal, silence.signal]);
    const pull = () =>
      askOllama({ baseUrl, apiKey }, until, (ollama) => ollama.pull({ model, stream: true }));
    const response = await pull();
    isAnswering = true;
    for await (const line of readLines(response)) {
      timer.refresh();
      const progress = toProgress(line);
      yield progress;
      if (progress.status === "success") return;
    }
    throw new Fault(
      "LLM_BAD_ANSWER",
      `Cannot pull model "${service.name}": the answer was cut off`,
    );
  } catch (error) {
    if (signal.aborted) return;
    throw silence.signal.aborted ? silent(service) : toFault(error, service, isAnswering);
  } finally {
    clearTimeout(timer);
  }
}

async function* readLines(response: Response): AsyncGenerator<string> {
  if (!(response instanceof ServiceResponse)) throw new TypeError("Expected our own response");
  const { exchange } = response;
  const reader = new EventReader("lines", toLimits({}));
  try {
    for (let piece = await exchange.read(); piece !== undefined; piece = await exchange.read()) {
      yield* reader.push(piece);
    }
    yield* reader.end();
  } finally {
    exchange.leave();
  }
}

function toProgress(line: string): PullProgress {
  const { status, total, completed, error } = parseEvent<
    Partial<ProgressResponse> & { readonly error?: unknown }
  >(line);
  if (error !== undefined) throw complaintIn(line);
  return {
    status: status ?? "",
    ...(total !== undefined && { totalBytes: total }),
    ...(completed !== undefined && { doneBytes: completed }),
  };
}

function silent({ name, host }: ModelService): Fault {
  const message = `Cannot pull model "${name}": ${host} said nothing for ${SILENCE_MS / 1_000} s`;
  return new Fault("LLM_TIMEOUT", message);
}
