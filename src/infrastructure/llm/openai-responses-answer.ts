import type {
  Response as ModelResponse,
  ResponseOutputItem,
  ResponseReasoningItem,
  ResponseStreamEvent,
} from "openai/resources/responses/responses";
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
import { toOpaque } from "./openai-responses-request.ts";

export interface ResponsesAnswerOptions {
  readonly provider: string;
  readonly model: string;
  readonly skills: readonly Skill[];
  readonly meter: AnswerMeter;
}

type Heard = Extract<
  ResponseStreamEvent,
  {
    readonly type:
      | "response.output_text.delta"
      | "response.refusal.delta"
      | "response.reasoning_summary_text.delta"
      | "response.reasoning_text.delta"
      | "response.output_item.added"
      | "response.function_call_arguments.delta"
      | "response.output_item.done"
      | "response.completed"
      | "response.incomplete"
      | "response.failed";
  }
>;

/** An answer of the Responses API. Its calls are given as soon as each is complete. */
export class ResponsesAnswer implements Answer {
  readonly #options: ResponsesAnswerOptions;
  /** By their place in the output. */
  readonly #drafts = new Map<number, ToolCallDraft>();
  #summaryPart = 0;
  #thought = "";
  ending: LlmStopReason | undefined;
  usage: TokenUsage | undefined;

  constructor(options: ResponsesAnswerOptions) {
    this.#options = options;
  }

  get isDone(): boolean {
    return this.ending !== undefined;
  }

  add(data: string): readonly LlmEvent[] {
    if (data === "[DONE]") return NOTHING;
    const event = parseEvent<Heard | { readonly type: "error" }>(data);
    switch (event.type) {
      case "response.output_text.delta":
      case "response.refusal.delta":
        return this.#say("text", asText(event.delta));
      case "response.reasoning_summary_text.delta":
        return this.#think(asText(event.delta), event.summary_index);
      case "response.reasoning_text.delta":
        return this.#think(asText(event.delta), event.content_index);
      case "response.output_item.added":
        if (event.item.type === "function_call") this.#begin(event.output_index, event.item.name);
        return NOTHING;
      case "response.function_call_arguments.delta":
        this.#options.meter.addInput(this.#begin(event.output_index, ""), asText(event.delta));
        return NOTHING;
      case "response.output_item.done":
        return this.#endItem(event.output_index, event.item);
      case "response.completed":
      case "response.incomplete":
        this.#finish(event.response);
        return NOTHING;
      case "response.failed":
        this.#count(event.response);
        throw complaintIn(JSON.stringify({ error: event.response.error }));
      case "error":
        throw complaintIn(data);
      default:
        // Much is repeated, and much is told that nobody here needs.
        event satisfies never;
        if ("error" in event) throw complaintIn(data);
        return NOTHING;
    }
  }

  end(): readonly LlmEvent[] {
    return NOTHING;
  }

  #say(kind: "text" | "reasoning", delta: string): readonly LlmEvent[] {
    if (delta === "") return NOTHING;
    this.#options.meter.count(delta.length);
    return [{ kind, delta }];
  }

  /** The parts of a summary stand one below the other. */
  #think(delta: string, part: number): readonly LlmEvent[] {
    const isNext = part !== this.#summaryPart && this.#thought !== "";
    this.#summaryPart = part;
    const text = isNext ? `\n\n${delta}` : delta;
    this.#thought += text;
    return this.#say("reasoning", text);
  }

  #begin(place: number, name: string): ToolCallDraft {
    const known = this.#drafts.get(place);
    if (known !== undefined) return known;
    const draft = { name: asText(name), json: "" };
    this.#options.meter.count(draft.name.length + 1);
    this.#drafts.set(place, draft);
    return draft;
  }

  #endItem(place: number, item: ResponseOutputItem): readonly LlmEvent[] {
    if (item.type === "reasoning") return this.#endThought(item);
    if (item.type !== "function_call") return NOTHING;
    const draft = this.#begin(place, item.name);
    draft.name ||= asText(item.name);
    if (draft.json === "") this.#options.meter.addInput(draft, asText(item.arguments));
    return [toToolCall(draft, this.#options.skills)];
  }

  #endThought(item: ResponseReasoningItem): readonly LlmEvent[] {
    const text = this.#thought;
    this.#thought = "";
    this.#summaryPart = 0;
    const opaque = toOpaque(item, this.#options.model);
    if (text === "" && opaque === undefined) return NOTHING;
    this.#options.meter.count(item.encrypted_content?.length ?? 0);
    const { provider } = this.#options;
    const part = {
      kind: "reasoning",
      text,
      provider,
      ...(opaque !== undefined && { opaque }),
    } as const;
    return [{ kind: "reasoning-ended", part }];
  }

  #finish(response: ModelResponse): void {
    this.#count(response);
    const why = response.incomplete_details?.reason;
    this.ending = why === "content_filter" ? "filtered" : why ? "length" : "stop";
  }

  #count({ usage }: ModelResponse): void {
    if (!usage) return;
    const cached = usage.input_tokens_details?.cached_tokens;
    const reasoning = usage.output_tokens_details?.reasoning_tokens;
    this.usage = {
      inputTokens: usage.input_tokens ?? 0,
      outputTokens: usage.output_tokens ?? 0,
      ...(cached ? { cachedInputTokens: cached } : {}),
      ...(reasoning ? { reasoningTokens: reasoning } : {}),
    };
  }
}

const NOTHING: readonly LlmEvent[] = [];
