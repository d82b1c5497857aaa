import assert from "node:assert/strict";
import type { ChatCompletionChunk } from "openai/resources/chat/completions";
import type { LlmEvent, LlmStopReason, TokenUsage, ToolCallInput } from "#application/ports/llm.ts";
import { Fault } from "#domain/shared/fault.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { Skill } from "#domain/skill/skill.ts";
import { newToolCallId } from "./tool-call-id.ts";
import { fromWireName } from "./tool-names.ts";

export interface OpenAiAnswerOptions {
  readonly model: string;
  readonly maxChars: number;
}

/** Puts an answer together from the chunks of its stream, up to `maxChars` in all. */
export class OpenAiAnswer {
  readonly #options: OpenAiAnswerOptions;
  readonly #calls: { index: number | undefined; name: string; json: string }[] = [];
  #chars = 0;
  #reason: LlmStopReason | undefined;
  #usage: TokenUsage = { inputTokens: 0, outputTokens: 0 };

  constructor(options: OpenAiAnswerOptions) {
    this.#options = options;
  }

  /** The model has said how it ended; only the usage may follow. */
  get isFinished(): boolean {
    return this.#reason !== undefined;
  }

  /** Takes in a chunk and gives the text it brings. Throws `Fault` past the limit. */
  add(chunk: ChatCompletionChunk): string {
    if (chunk.usage) this.#usage = toUsage(chunk.usage);
    const choice = chunk.choices?.[0];
    if (!choice) return "";
    if (choice.finish_reason) this.#reason = toStopReason(choice.finish_reason);
    // Servers that only resemble OpenAI's may leave out what its types promise.
    const delta: Partial<ChatCompletionChunk.Choice.Delta> = choice.delta ?? {};
    for (const piece of delta.tool_calls ?? []) this.#addToCall(piece);
    const text = delta.content ?? delta.refusal ?? "";
    this.#count(text);
    return text;
  }

  /** The calls and the end of a finished answer. */
  *end(skills: readonly Skill[]): Generator<LlmEvent> {
    assert(this.#reason !== undefined);
    for (const { name, json } of this.#calls) {
      const input = parseInput(json);
      yield {
        kind: "tool-call",
        toolCallId: newToolCallId(),
        name: fromWireName(name, skills),
        input,
      };
    }
    const hasCalls = this.#calls.length > 0 && this.#reason === "stop";
    yield {
      kind: "finished",
      reason: hasCalls ? "tool-calls" : this.#reason,
      usage: this.#usage,
    };
  }

  #addToCall({ index, id, function: piece }: ChatCompletionChunk.Choice.Delta.ToolCall): void {
    const call = this.#findCall(index, id) ?? { index, name: "", json: "" };
    if (!this.#calls.includes(call)) this.#calls.push(call);
    call.name ||= piece?.name ?? "";
    call.json += piece?.arguments ?? "";
    // What a call costs beside its arguments, so that empty ones are bounded too.
    this.#count(`${piece?.name ?? ""}${piece?.arguments ?? ""}+`);
  }

  /** By index; some servers send none, but whole calls or the id with the first piece. */
  #findCall(index: number | undefined, id: string | undefined) {
    if (index !== undefined) return this.#calls.find((call) => call.index === index);
    return id === undefined ? this.#calls.at(-1) : undefined;
  }

  #count(text: string): void {
    this.#chars += text.length;
    const { model, maxChars } = this.#options;
    if (this.#chars <= maxChars) return;
    throw new Fault(
      "LLM_BAD_ANSWER",
      `The answer of model "${model}" is too long: expected at most ${maxChars} characters`,
    );
  }
}

/** Models write nothing at all for a call without arguments. */
function parseInput(json: string): ToolCallInput {
  if (json.trim() === "") return { kind: "json", value: {} };
  try {
    return { kind: "json", value: JSON.parse(json) as JsonValue };
  } catch {
    return { kind: "malformed", text: json };
  }
}

function toUsage(usage: NonNullable<ChatCompletionChunk["usage"]>): TokenUsage {
  return { inputTokens: usage.prompt_tokens ?? 0, outputTokens: usage.completion_tokens ?? 0 };
}

type FinishReason = NonNullable<ChatCompletionChunk.Choice["finish_reason"]>;

function toStopReason(reason: FinishReason): LlmStopReason {
  switch (reason) {
    case "tool_calls":
    case "function_call":
      return "tool-calls";
    case "length":
      return "length";
    case "content_filter":
      return "filtered";
    case "stop":
      return "stop";
    default:
      reason satisfies never;
      return "stop";
  }
}
