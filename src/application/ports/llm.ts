import type { Message } from "#domain/message/message.ts";
import type { ToolCallId } from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { Skill } from "#domain/skill/skill.ts";

/**
 * One model. `stream` answers a conversation; it throws `Fault` (`LLM_...`). Nothing follows the
 * `finished` event. Within 100 ms of `signal` it simply ends, without `finished`.
 */
export interface Llm {
  /** `<provider>/<model>` */
  readonly name: string;
  stream(request: LlmRequest, signal: AbortSignal): AsyncIterable<LlmEvent>;
}

export interface LlmRequest {
  readonly system: string;
  /** Oldest first; the last one is the user's or a tool's. */
  readonly messages: readonly Message[];
  readonly skills: readonly Skill[];
}

export type LlmEvent =
  | { readonly kind: "text"; readonly delta: string }
  | {
      readonly kind: "tool-call";
      readonly toolCallId: ToolCallId;
      /** `<skill>.<tool>`; may name a tool that does not exist. */
      readonly name: string;
      readonly input: ToolCallInput;
    }
  | { readonly kind: "finished"; readonly reason: LlmStopReason; readonly usage: TokenUsage };

/** `malformed` carries what the model wrote where that was not JSON. */
export type ToolCallInput =
  | { readonly kind: "json"; readonly value: JsonValue }
  | { readonly kind: "malformed"; readonly text: string };

export type LlmStopReason = "stop" | "tool-calls" | "length" | "filtered";

export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}
