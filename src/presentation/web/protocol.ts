/** The frames of `nexflow.v1` as docs/protocol.md lists them, and the REST answers the page uses. */

export const SUBPROTOCOL = "nexflow.v1";
export const MAX_FRAME_BYTES = 65_536;
const MAX_TEXT_CHARS = 32_768;

export type ClientFrame =
  | { readonly type: "hello" }
  | {
      readonly type: "send";
      readonly clientMessageId: string;
      readonly text: string;
      readonly sessionId?: string;
    }
  | {
      readonly type: "subscribe";
      readonly sessionId: string;
      readonly after: number;
      readonly epoch?: number;
    }
  | { readonly type: "cancel"; readonly turnId: string }
  | { readonly type: "ping"; readonly id: number };

export interface AcceptedFrame {
  readonly type: "accepted";
  readonly clientMessageId: string;
  readonly sessionId: string;
  readonly messageId: string;
  readonly turnId: string;
  readonly seq: number;
  readonly duplicate: boolean;
}

export interface EventFrame {
  readonly type: "event";
  readonly sessionId: string;
  readonly turnId: string;
  readonly epoch: number;
  readonly seq: number;
  readonly event: RunEvent;
}

export interface ErrorFrame {
  readonly type: "error";
  readonly code: string;
  readonly message: string;
  readonly retryAfterMs?: number;
  readonly ref?: string;
}

export type ServerFrame =
  | { readonly type: "welcome"; readonly userId: string }
  | AcceptedFrame
  | EventFrame
  | ErrorFrame
  | { readonly type: "pong"; readonly id: number | string }
  | { readonly type: "going-away"; readonly reconnectAfterMs: number };

/** The AG-UI events a turn is made of. */
export type RunEvent =
  | { readonly type: "RUN_STARTED"; readonly input?: { readonly messages: readonly AgMessage[] } }
  | { readonly type: "TEXT_MESSAGE_START"; readonly messageId: string }
  | { readonly type: "TEXT_MESSAGE_CONTENT"; readonly messageId: string; readonly delta: string }
  | { readonly type: "TEXT_MESSAGE_END"; readonly messageId: string }
  | { readonly type: "TOOL_CALL_START"; readonly toolCallId: string; readonly toolCallName: string }
  | { readonly type: "TOOL_CALL_ARGS"; readonly toolCallId: string; readonly delta: string }
  | { readonly type: "TOOL_CALL_END"; readonly toolCallId: string }
  | { readonly type: "TOOL_CALL_RESULT"; readonly toolCallId: string; readonly content: string }
  | { readonly type: "RUN_FINISHED"; readonly outcome?: { readonly type: string } }
  | { readonly type: "RUN_ERROR"; readonly message: string; readonly code?: string }
  | {
      readonly type: "MESSAGES_SNAPSHOT";
      readonly messages: readonly AgMessage[];
      readonly metadata?: { readonly turns?: readonly TurnSummary[] };
    };

/** How a turn stands; `failure` where it failed. */
export interface TurnSummary {
  readonly id: string;
  readonly state: "queued" | "running" | "completed" | "cancelled" | "failed";
  readonly failure?: { readonly code: string; readonly message: string };
}

/** A message of AG-UI; ours carry the turn they belong to. */
export type AgMessage =
  | {
      readonly id: string;
      readonly role: "user";
      readonly content: string;
      readonly turnId?: string;
    }
  | {
      readonly id: string;
      readonly role: "assistant";
      readonly content?: string;
      readonly toolCalls?: readonly AgToolCall[];
      readonly turnId?: string;
    }
  | {
      readonly id: string;
      readonly role: "tool";
      readonly toolCallId: string;
      readonly content: string;
      readonly turnId?: string;
    };

interface AgToolCall {
  readonly id: string;
  readonly function: { readonly name: string; readonly arguments: string };
}

const SERVER_FRAMES = new Set(["welcome", "accepted", "event", "error", "pong", "going-away"]);

/** The frame that `raw` holds, or undefined where a newer server says something we do not know. */
export function parseServerFrame(raw: string): ServerFrame | undefined {
  const frame: unknown = JSON.parse(raw);
  const type = typeof frame === "object" && frame !== null && "type" in frame ? frame.type : "";
  return SERVER_FRAMES.has(String(type)) ? (frame as ServerFrame) : undefined;
}

/** Why `text` cannot be one message, or undefined where it can. */
export function findTextFault(text: string): string | undefined {
  if (text.length > MAX_TEXT_CHARS) {
    const over = text.length - MAX_TEXT_CHARS;
    return `Too long by ${over.toLocaleString("en")} characters: a message holds ${MAX_TEXT_CHARS.toLocaleString("en")}`;
  }
  // The rest of the frame (its ids and names) fits 512 bytes.
  const bytes = new TextEncoder().encode(JSON.stringify(text)).length + 512;
  if (bytes <= MAX_FRAME_BYTES) return undefined;
  const percent = Math.ceil((1 - MAX_FRAME_BYTES / bytes) * 100);
  return `Too long: written in this script, it must be about ${percent} % shorter`;
}
