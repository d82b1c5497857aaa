import type { Llm, LlmEvent, ToolCallInput } from "#application/ports/llm.ts";
import type { ReasoningPart } from "#domain/message/message.ts";
import { maskFailure, maskFault } from "./mask-failure.ts";
import type { SecretMasker, StreamMask } from "./secret-masker.ts";

/**
 * The same model, out of whose mouth no secret comes: in text, thoughts, arguments of calls and
 * messages of faults they are masked, also where a secret is split over deltas.
 */
export function maskLlm(llm: Llm, masker: SecretMasker): Llm {
  return {
    // The default model may be another one by then.
    get name() {
      return llm.name;
    },
    stream(request, signal) {
      const events = llm.stream(request, signal);
      return masker.isEmpty ? events : maskEvents(events, masker);
    },
  };
}

async function* maskEvents(
  events: AsyncIterable<LlmEvent>,
  masker: SecretMasker,
): AsyncGenerator<LlmEvent> {
  const mask = new AnswerMask(masker);
  try {
    for await (const event of events) {
      const delta = event.kind === "text" ? mask.text.push(event.delta) : undefined;
      if (delta === undefined) yield* mask.take(event);
      else if (event.kind === "text" && delta === event.delta) yield event;
      else if (delta !== "") yield { kind: "text", delta };
    }
  } catch (error) {
    // What the model had said is kept, to its last letter.
    yield* mask.end();
    throw maskFault(error, masker);
  }
  yield* mask.end();
}

class AnswerMask {
  readonly text: StreamMask;
  readonly #reasoning: StreamMask;
  readonly #masker: SecretMasker;

  constructor(masker: SecretMasker) {
    this.#masker = masker;
    this.text = masker.createStream();
    this.#reasoning = masker.createStream();
  }

  *take(event: LlmEvent): Generator<LlmEvent> {
    switch (event.kind) {
      case "text":
        return yield* delta("text", this.text.push(event.delta));
      case "reasoning":
        return yield* delta("reasoning", this.#reasoning.push(event.delta));
      case "reasoning-ended":
        yield* this.end();
        return yield { ...event, part: maskReasoning(event.part, this.#masker) };
      case "tool-call":
        yield* this.end();
        return yield maskCall(event, this.#masker);
      case "attempt-failed":
        yield* this.end();
        return yield { ...event, failure: maskFailure(event.failure, this.#masker) };
      case "finished":
        yield* this.end();
        return yield event;
      case "usage":
        return yield event;
      default:
        return event satisfies never;
    }
  }

  /** What is held back. */
  *end(): Generator<LlmEvent> {
    yield* delta("reasoning", this.#reasoning.end());
    yield* delta("text", this.text.end());
  }
}

function* delta(kind: "reasoning" | "text", text: string): Generator<LlmEvent> {
  if (text !== "") yield { kind, delta: text };
}

function maskCall(call: Extract<LlmEvent, { kind: "tool-call" }>, masker: SecretMasker): LlmEvent {
  return { ...call, name: masker.mask(call.name), input: maskInput(call.input, masker) };
}

function maskInput(input: ToolCallInput, masker: SecretMasker): ToolCallInput {
  return input.kind === "json"
    ? { kind: "json", value: masker.maskJson(input.value) }
    : { kind: "malformed", text: masker.mask(input.text) };
}

/** What the service wants back unchanged is given up where a secret is in it. */
function maskReasoning({ opaque, ...part }: ReasoningPart, masker: SecretMasker): ReasoningPart {
  const masked = { ...part, text: masker.mask(part.text) };
  const isKept = opaque !== undefined && masker.maskJson(opaque) === opaque;
  return isKept ? { ...masked, opaque } : masked;
}
