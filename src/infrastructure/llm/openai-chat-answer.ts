import type { ChatCompletionChunk } from "openai/resources/chat/completions";
import type { LlmEvent, LlmStopReason } from "#application/ports/llm.ts";
import type { Skill } from "#domain/skill/skill.ts";
import type { TokenUsage } from "#domain/spend/token-usage.ts";
import {
  type Answer,
  type AnswerMeter,
  asText,
  parseEvent,
  type ToolCallDraft,
  toToolCall,
} from "./answer.ts";
import { complaintIn } from "./model-fault.ts";

type Delta = ChatCompletionChunk.Choice.Delta;
type CallPiece = ChatCompletionChunk.Choice.Delta.ToolCall;

/** Where servers that only resemble OpenAI's put the model's thoughts. */
const THOUGHT_FIELDS = ["reasoning_content", "reasoning"] as const;
type ThoughtField = (typeof THOUGHT_FIELDS)[number];

export interface ChatAnswerOptions {
  readonly provider: string;
  readonly skills: readonly Skill[];
  readonly meter: AnswerMeter;
}

/** An answer of the Chat Completions API. */
export class ChatAnswer implements Answer {
  readonly #options: ChatAnswerOptions;
  readonly #calls: (ToolCallDraft & { readonly index: number | undefined })[] = [];
  #thought: { readonly field: ThoughtField; text: string } | undefined;
  /** Only the usage may follow. */
  ending: LlmStopReason | undefined;
  usage: TokenUsage | undefined;
  isDone = false;

  constructor(options: ChatAnswerOptions) {
    this.#options = options;
  }

  add(data: string): readonly LlmEvent[] {
    if (data === "[DONE]") {
      this.isDone = true;
      return NOTHING;
    }
    const chunk = parseEvent<ChatCompletionChunk & { readonly error?: unknown }>(data);
    if (chunk.error) throw complaintIn(data);
    if (chunk.usage) this.usage = toUsage(chunk.usage);
    const choice = chunk.choices?.[0];
    if (!choice) return NOTHING;
    if (choice.finish_reason) this.ending = toStopReason(choice.finish_reason);
    return choice.delta ? this.#addDelta(choice.delta) : NOTHING;
  }

  end(): readonly LlmEvent[] {
    const { skills } = this.#options;
    return [...this.#endThought(), ...this.#calls.map((call) => toToolCall(call, skills))];
  }

  #addDelta(delta: Partial<Delta>): readonly LlmEvent[] {
    const pieces = delta.tool_calls ?? NO_PIECES;
    for (const piece of pieces) this.#addToCall(piece);
    const text = asText(delta.content ?? delta.refusal);
    if (text !== "") {
      this.#options.meter.count(text.length);
      return [...this.#endThought(), { kind: "text", delta: text }];
    }
    if (pieces.length > 0) return this.#endThought();
    return this.#addThought(delta as Partial<Record<ThoughtField, unknown>>);
  }

  #addThought(delta: Partial<Record<ThoughtField, unknown>>): readonly LlmEvent[] {
    const field = THOUGHT_FIELDS.find((each) => asText(delta[each]) !== "");
    if (field === undefined) return NOTHING;
    const text = asText(delta[field]);
    this.#options.meter.count(text.length);
    this.#thought ??= { field, text: "" };
    this.#thought.text += text;
    return [{ kind: "reasoning", delta: text }];
  }

  #endThought(): readonly LlmEvent[] {
    if (this.#thought === undefined) return NOTHING;
    const { field, text } = this.#thought;
    this.#thought = undefined;
    const { provider } = this.#options;
    const part = { kind: "reasoning", text, provider, opaque: { field } } as const;
    return [{ kind: "reasoning-ended", part }];
  }

  #addToCall({ index, id, function: piece }: CallPiece): void {
    let call = this.#findCall(index, id);
    if (call === undefined) {
      call = { index, name: "", json: "" };
      this.#calls.push(call);
    }
    if (call.name === "") {
      call.name = asText(piece?.name);
      this.#options.meter.count(call.name.length);
    }
    this.#options.meter.addInput(call, asText(piece?.arguments));
  }

  /** By index; some servers send none, but whole calls or the id with the first piece. */
  #findCall(index: number | undefined, id: string | undefined) {
    if (typeof index === "number") return this.#calls.find((call) => call.index === index);
    return id === undefined ? this.#calls.at(-1) : undefined;
  }
}

const NOTHING: readonly LlmEvent[] = [];
const NO_PIECES: readonly CallPiece[] = [];

function toUsage(usage: NonNullable<ChatCompletionChunk["usage"]>): TokenUsage {
  const cached = usage.prompt_tokens_details?.cached_tokens;
  const reasoning = usage.completion_tokens_details?.reasoning_tokens;
  return {
    inputTokens: usage.prompt_tokens ?? 0,
    outputTokens: usage.completion_tokens ?? 0,
    ...(cached ? { cachedInputTokens: cached } : {}),
    ...(reasoning ? { reasoningTokens: reasoning } : {}),
  };
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
