import type { MessageId, SessionId, ToolCallId, TurnId } from "../shared/id.ts";
import type { JsonValue } from "../shared/json.ts";

export interface TextPart {
  readonly kind: "text";
  readonly text: string;
}

/** A picture that a person sent. */
export interface ImagePart {
  readonly kind: "image";
  readonly mediaType: "image/png" | "image/jpeg" | "image/webp" | "image/gif";
  /** base64 */
  readonly data: string;
}

/** What a model thought before it spoke. */
export interface ReasoningPart {
  readonly kind: "reasoning";
  /** What may be read of it; may be empty. */
  readonly text: string;
  /** The provider whose it is: to others it is not shown. */
  readonly provider: string;
  /** As the provider wants it back, unread and unchanged. */
  readonly opaque?: JsonValue;
}

export interface ToolCallPart {
  readonly kind: "tool-call";
  readonly toolCallId: ToolCallId;
  /** `<skill>.<tool>` */
  readonly name: string;
  readonly input: JsonValue;
}

export interface ToolResultPart {
  readonly kind: "tool-result";
  readonly toolCallId: ToolCallId;
  readonly outcome: ToolOutcome;
}

/** What a tool call came to; `code` is one of the runtime's typed errors. */
export type ToolOutcome =
  | { readonly kind: "ok"; readonly output: JsonValue }
  | { readonly kind: "error"; readonly code: string; readonly message: string };

export type MessagePart = TextPart | ImagePart | ReasoningPart | ToolCallPart | ToolResultPart;

export interface Message {
  readonly id: MessageId;
  readonly sessionId: SessionId;
  readonly turnId: TurnId;
  readonly role: "user" | "assistant" | "tool";
  readonly parts: readonly MessagePart[];
  /** False where the turn was cancelled or failed in the middle of the text. */
  readonly isComplete: boolean;
  readonly createdAtMs: number;
}

/** All text of a message, tool calls left out. */
export function textOf(message: Pick<Message, "parts">): string {
  return message.parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
}
