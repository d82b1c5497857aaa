import type { Message, ReasoningPart } from "#domain/message/message.ts";
import type { Failure } from "#domain/shared/fault.ts";
import type { ToolCallId } from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { Skill } from "#domain/skill/skill.ts";
import type { TokenUsage } from "#domain/spend/token-usage.ts";

/**
 * One model, or a choice of several. `stream` answers a conversation; it throws `Fault` (`LLM_...`).
 * Nothing follows the `finished` event. Within 100 ms of `signal` it ends, without
 * `finished`; all that may follow the signal is `usage`.
 */
export interface Llm {
  /** `<provider>/<model>` */
  readonly name: string;
  stream(request: LlmRequest, signal: AbortSignal): AsyncIterable<LlmEvent>;
}

export interface LlmRequest {
  /** `<provider>/<model>` or an alias, where there is a choice; the default one where it is left out. */
  readonly model?: string | undefined;
  readonly system: string;
  /** Oldest first; the last one is the user's or a tool's. */
  readonly messages: readonly Message[];
  readonly skills: readonly Skill[];
  /** The answer has at most so many tokens, reasoning included. */
  readonly maxOutputTokens?: number | undefined;
  /** How much a model that can think is to do so; as the model's service sets it where left out. */
  readonly reasoning?: "none" | "low" | "medium" | "high" | undefined;
  /**
   * Asked before each attempt but the first, with the model that it goes to: behind the event of
   * the attempt that failed. Gives how many tokens the answer may have now; what it rejects with
   * ends the answer.
   */
  readonly admitNext?: AdmitNext | undefined;
  /** Names the conversation, for services that keep what they have read of it. */
  readonly cacheKey?: string | undefined;
  /** Of the attempt that is made; the service is told. See `TraceParentOf`. */
  readonly traceParent?: string | undefined;
}

export type AdmitNext = (
  model: string,
) => Promise<Pick<LlmRequest, "maxOutputTokens" | "traceParent">>;

export type LlmEvent =
  | { readonly kind: "text"; readonly delta: string }
  /** What the model lets be seen of its thoughts. */
  | { readonly kind: "reasoning"; readonly delta: string }
  /** One train of thought is over: as the service wants it back with the conversation. */
  | { readonly kind: "reasoning-ended"; readonly part: ReasoningPart }
  | {
      readonly kind: "tool-call";
      readonly toolCallId: ToolCallId;
      /** `<skill>.<tool>`; may name a tool that does not exist. */
      readonly name: string;
      readonly input: ToolCallInput;
    }
  /** What the answer took so far, where the service says so before its end: none counts twice. */
  | { readonly kind: "usage"; readonly usage: TokenUsage }
  /**
   * An attempt has failed and another one begins: with the same model or with one that takes its
   * place. What was said so far belongs to the failed attempt and is not continued.
   */
  | {
      readonly kind: "attempt-failed";
      /** The model that failed. */
      readonly model: string;
      readonly failure: Failure;
      readonly usage: TokenUsage;
      readonly next: { readonly model: string; readonly waitMs: number };
    }
  | {
      readonly kind: "finished";
      /** The model that answered, where it is not the `Llm` itself. */
      readonly model?: string | undefined;
      readonly reason: LlmStopReason;
      readonly usage: TokenUsage;
    };

/** `malformed` carries what the model wrote where that was not JSON. */
export type ToolCallInput =
  | { readonly kind: "json"; readonly value: JsonValue }
  | { readonly kind: "malformed"; readonly text: string };

export type LlmStopReason = "stop" | "tool-calls" | "length" | "filtered";
