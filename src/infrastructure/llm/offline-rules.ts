import type { Llm, LlmEvent, LlmRequest } from "#application/ports/llm.ts";
import { textOf } from "#domain/message/message.ts";
import { OFFLINE_MODEL } from "#domain/model/model-name.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import { answerFrom } from "./offline-answer.ts";
import { interpret } from "./offline-command.ts";
import { newToolCallId } from "./tool-call-id.ts";

/**
 * The model of a Nexflow without a key: fixed rules that recognise skill commands and the examples
 * of skill manifests, call the skills for real, and say so. The same request gives the same answer.
 */
export function createOfflineLlm(): Llm {
  return { name: OFFLINE_MODEL, stream };
}

async function* stream(request: LlmRequest, signal: AbortSignal): AsyncGenerator<LlmEvent> {
  for (const event of respond(request)) {
    if (signal.aborted) return;
    yield event;
  }
}

function* respond(request: LlmRequest): Generator<LlmEvent> {
  const last = request.messages.at(-1);
  if (last?.role === "tool") {
    yield* say(answerFrom(request));
    return;
  }
  const reading = interpret(last ? textOf(last) : "", request.skills);
  if (reading.kind === "say") yield* say(reading.text);
  else yield* call(reading.name, reading.input);
}

function* say(text: string): Generator<LlmEvent> {
  for (const delta of wordGroups(text)) yield { kind: "text", delta };
  yield { kind: "finished", reason: "stop", usage: NO_TOKENS };
}

function* call(name: string, value: JsonValue): Generator<LlmEvent> {
  yield { kind: "tool-call", toolCallId: newToolCallId(), name, input: { kind: "json", value } };
  yield { kind: "finished", reason: "tool-calls", usage: NO_TOKENS };
}

const NO_TOKENS = { inputTokens: 0, outputTokens: 0 };
const MAX_GROUPS = 6;
const MIN_GROUP_CHARS = 24;

/** Cuts `text` behind spaces into a few pieces that are `text` again when joined. */
function* wordGroups(text: string): Generator<string> {
  const groupChars = Math.max(MIN_GROUP_CHARS, Math.ceil(text.length / MAX_GROUPS));
  let start = 0;
  while (start < text.length) {
    const space = text.indexOf(" ", start + groupChars - 1);
    const end = space < 0 ? text.length : space + 1;
    yield text.slice(start, end);
    start = end;
  }
}
