import type {
  MessageDeltaUsage,
  RawContentBlockDeltaEvent,
  RawContentBlockStartEvent,
  RawMessageStreamEvent,
  RedactedThinkingBlock,
  StopReason,
  TextBlock,
  ThinkingBlock,
  ToolUseBlock,
  Usage,
} from "@anthropic-ai/sdk/resources/messages";
import type { LlmEvent, LlmStopReason } from "#application/ports/llm.ts";
import type { ReasoningPart } from "#domain/message/message.ts";
import type { JsonValue } from "#domain/shared/json.ts";
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

export interface AnthropicAnswerOptions {
  readonly provider: string;
  readonly skills: readonly Skill[];
  readonly meter: AnswerMeter;
}

/** A block of the answer that is being written. */
type Block =
  | { readonly kind: "text" }
  | { readonly kind: "thinking"; text: string; signature: string }
  | { readonly kind: "redacted"; readonly data: string }
  | ({ readonly kind: "call" } & ToolCallDraft);

type OwnBlock = TextBlock | ThinkingBlock | RedactedThinkingBlock | ToolUseBlock;

type StreamEvent =
  | RawMessageStreamEvent
  | { readonly type: "ping" }
  | { readonly type: "error"; readonly error?: unknown };

/** An answer of the Messages API. Its calls are given as soon as each is complete. */
export class AnthropicAnswer implements Answer {
  readonly #options: AnthropicAnswerOptions;
  readonly #blocks = new Map<number, Block>();
  #counts: Partial<Usage | MessageDeltaUsage> = {};
  ending: LlmStopReason | undefined;
  usage: TokenUsage | undefined;
  isDone = false;

  constructor(options: AnthropicAnswerOptions) {
    this.#options = options;
  }

  add(data: string): readonly LlmEvent[] {
    const event = parseEvent<StreamEvent>(data);
    switch (event.type) {
      case "message_start":
        this.#count(event.message.usage);
        return NOTHING;
      case "content_block_start":
        return this.#begin(event);
      case "content_block_delta":
        return this.#addDelta(event);
      case "content_block_stop":
        return this.#endBlock(event.index);
      case "message_delta":
        this.#count(event.usage);
        if (event.delta.stop_reason) this.ending = toStopReason(event.delta.stop_reason);
        return NOTHING;
      case "message_stop":
        this.isDone = true;
        return NOTHING;
      case "error":
        throw complaintIn(data);
      case "ping":
        return NOTHING;
      default:
        // The service reserves the right to send more kinds of events.
        event satisfies never;
        return NOTHING;
    }
  }

  end(): readonly LlmEvent[] {
    return NOTHING;
  }

  #begin({ index, content_block }: RawContentBlockStartEvent): readonly LlmEvent[] {
    const { meter } = this.#options;
    // The other kinds are of tools that the service runs itself: none was offered.
    const block = content_block as OwnBlock;
    switch (block.type) {
      case "text":
        this.#blocks.set(index, { kind: "text" });
        return this.#say("text", asText(block.text));
      case "thinking": {
        const [text, signature] = [asText(block.thinking), asText(block.signature)];
        this.#blocks.set(index, { kind: "thinking", text, signature });
        return this.#say("reasoning", text);
      }
      case "redacted_thinking":
        meter.count(asText(block.data).length);
        this.#blocks.set(index, { kind: "redacted", data: asText(block.data) });
        return NOTHING;
      case "tool_use":
        meter.count(asText(block.name).length + 1);
        this.#blocks.set(index, { kind: "call", name: asText(block.name), json: "" });
        return NOTHING;
      default:
        block satisfies never;
        return NOTHING;
    }
  }

  #addDelta({ index, delta }: RawContentBlockDeltaEvent): readonly LlmEvent[] {
    const block = this.#blocks.get(index);
    switch (delta.type) {
      case "text_delta":
        return this.#say("text", asText(delta.text));
      case "thinking_delta":
        if (block?.kind === "thinking") block.text += asText(delta.thinking);
        return this.#say("reasoning", asText(delta.thinking));
      case "signature_delta":
        this.#options.meter.count(asText(delta.signature).length);
        if (block?.kind === "thinking") block.signature += asText(delta.signature);
        return NOTHING;
      case "input_json_delta":
        if (block?.kind === "call") this.#options.meter.addInput(block, asText(delta.partial_json));
        return NOTHING;
      case "citations_delta":
        return NOTHING;
      default:
        delta satisfies never;
        return NOTHING;
    }
  }

  #endBlock(index: number): readonly LlmEvent[] {
    const block = this.#blocks.get(index);
    this.#blocks.delete(index);
    switch (block?.kind) {
      case "call":
        return [toToolCall(block, this.#options.skills)];
      case "thinking":
        return [this.#toThought(block.text, { signature: block.signature })];
      case "redacted":
        return [this.#toThought("", { redacted: block.data })];
      case "text":
      case undefined:
        return NOTHING;
      default:
        return block satisfies never;
    }
  }

  #toThought(text: string, opaque: JsonValue): LlmEvent {
    const { provider } = this.#options;
    const part: ReasoningPart = { kind: "reasoning", text, provider, opaque };
    return { kind: "reasoning-ended", part };
  }

  #say(kind: "text" | "reasoning", delta: string): readonly LlmEvent[] {
    if (delta === "") return NOTHING;
    this.#options.meter.count(delta.length);
    return [{ kind, delta }];
  }

  /** The last event has the sums; what it leaves out stands in the first. */
  #count(usage: Partial<Usage | MessageDeltaUsage> | null | undefined): void {
    const told = Object.entries(usage ?? {}).filter(([, value]) => value !== null);
    this.#counts = { ...this.#counts, ...Object.fromEntries(told) };
    if (this.#counts.input_tokens !== undefined) this.usage = toUsage(this.#counts);
  }
}

const NOTHING: readonly LlmEvent[] = [];

/** The service counts what came from its cache, and what went there, beside the rest. */
function toUsage(counts: Partial<Usage | MessageDeltaUsage>): TokenUsage {
  const cached = counts.cache_read_input_tokens ?? 0;
  const written = counts.cache_creation_input_tokens ?? 0;
  const thinking = counts.output_tokens_details?.thinking_tokens;
  return {
    inputTokens: (counts.input_tokens ?? 0) + cached + written,
    outputTokens: counts.output_tokens ?? 0,
    ...(cached > 0 && { cachedInputTokens: cached }),
    ...(written > 0 && { cacheWriteTokens: written }),
    ...(thinking ? { reasoningTokens: thinking } : {}),
  };
}

function toStopReason(reason: StopReason): LlmStopReason {
  switch (reason) {
    case "tool_use":
      return "tool-calls";
    case "max_tokens":
    case "model_context_window_exceeded":
      return "length";
    case "refusal":
      return "filtered";
    case "end_turn":
    case "stop_sequence":
    case "pause_turn":
      return "stop";
    default:
      reason satisfies never;
      return "stop";
  }
}
