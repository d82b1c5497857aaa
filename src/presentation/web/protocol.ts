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
      readonly mode?: SendMode;
    }
  | {
      readonly type: "subscribe";
      readonly sessionId: string;
      readonly after: number;
      readonly epoch?: number;
    }
  | { readonly type: "cancel"; readonly turnId: string }
  | {
      readonly type: "decide";
      readonly approvalId: string;
      readonly inputHash: string;
      readonly decision: Decision;
    }
  | { readonly type: "ping"; readonly id: number };

/** What a message does to the turn that is under way: wait for it, join it, or end it. */
export type SendMode = "queue" | "steer" | "interrupt";

/** Turns that go on from the same one, and which of them is shown. */
export interface Fork {
  readonly turnIds: readonly string[];
  readonly inUse: string;
}

/** What a person says about a call. */
export type Decision =
  | { readonly kind: "grant"; readonly scope: { readonly kind: "once" | "session" } }
  | { readonly kind: "deny"; readonly reason?: string };

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
  | { readonly type: "decided"; readonly approvalId: string; readonly state: string }
  | { readonly type: "pong"; readonly id: number | string }
  | { readonly type: "going-away"; readonly reconnectAfterMs: number };

/** The AG-UI events a turn is made of. */
export type RunEvent =
  | { readonly type: "RUN_STARTED"; readonly input?: RunInput }
  | { readonly type: "REASONING_MESSAGE_START"; readonly messageId: string }
  | {
      readonly type: "REASONING_MESSAGE_CONTENT";
      readonly messageId: string;
      readonly delta: string;
    }
  | { readonly type: "REASONING_MESSAGE_END"; readonly messageId: string }
  | { readonly type: "TEXT_MESSAGE_START"; readonly messageId: string }
  | { readonly type: "TEXT_MESSAGE_CONTENT"; readonly messageId: string; readonly delta: string }
  | { readonly type: "TEXT_MESSAGE_END"; readonly messageId: string }
  | { readonly type: "TOOL_CALL_START"; readonly toolCallId: string; readonly toolCallName: string }
  | { readonly type: "TOOL_CALL_ARGS"; readonly toolCallId: string; readonly delta: string }
  | { readonly type: "TOOL_CALL_END"; readonly toolCallId: string }
  | { readonly type: "TOOL_CALL_RESULT"; readonly toolCallId: string; readonly content: string }
  | { readonly type: "RUN_FINISHED"; readonly outcome?: RunOutcome }
  | { readonly type: "RUN_ERROR"; readonly message: string; readonly code?: string }
  | {
      readonly type: "MESSAGES_SNAPSHOT";
      readonly messages: readonly AgMessage[];
      readonly metadata?: { readonly turns?: readonly TurnSummary[] };
    }
  | CustomEvent;

interface RunInput {
  readonly messages: readonly AgMessage[];
  /** There where the turn goes on after approvals. */
  readonly resume?: readonly {
    readonly interruptId: string;
    readonly payload?: { readonly decision?: ApprovalEnd };
  }[];
}

interface RunOutcome {
  readonly type: string;
  /** What the turn waits for, where the type is "interrupt". */
  readonly interrupts?: readonly { readonly metadata?: { readonly card?: ApprovalCard } }[];
}

export type ApprovalEnd = "granted" | "denied" | "expired";

/** What is shown to who is asked whether a call may be made. */
export interface ApprovalCard {
  readonly approvalId: string;
  readonly toolCallId: string;
  /** `<skill>.<tool>` */
  readonly tool: string;
  readonly input: unknown;
  readonly inputHash: string;
  readonly effects: readonly string[];
  readonly reaches: readonly string[];
  readonly rule: string;
  readonly reason: string;
  readonly expiresAtMs: number;
}

/** Events of ours that AG-UI has no form for. */
export type CustomEvent =
  | {
      readonly type: "CUSTOM";
      readonly name: "nexflow.model-failed";
      readonly value: ModelFailure;
    }
  | {
      readonly type: "CUSTOM";
      readonly name: "nexflow.message-joined";
      readonly value: { readonly messageId: string; readonly text: string };
    }
  | {
      readonly type: "CUSTOM";
      readonly name: "nexflow.session-tainted";
      readonly value: { readonly taint: Taint };
    }
  | {
      readonly type: "CUSTOM";
      readonly name: "nexflow.context-compacted";
      readonly value: Compaction;
    }
  | {
      readonly type: "CUSTOM";
      readonly name: "nexflow.turn-spent";
      readonly value: TurnSpend;
    };

export interface ModelFailure {
  readonly model: string;
  readonly failure: { readonly code: string; readonly message: string };
  /** The text that stays as it is, where there was any. */
  readonly messageId?: string;
  readonly next: { readonly model: string; readonly waitMs: number };
}

/** What a session has come into touch with, each with where from. */
export interface Taint {
  readonly untrusted?: string;
  readonly private?: string;
}

export interface Compaction {
  readonly messages: number;
  readonly tokensBefore: number;
  readonly tokensAfter: number;
}

export interface TurnSpend {
  readonly model: string;
  readonly spend: {
    readonly steps: number;
    readonly tokens: number;
    readonly costNanoUsd: number;
    readonly wallMs: number;
  };
}

/** How a turn stands; `failure` where it failed. */
export interface TurnSummary {
  readonly id: string;
  readonly state: "queued" | "running" | "waiting" | "completed" | "cancelled" | "failed";
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

const SERVER_FRAMES = new Set([
  "welcome",
  "accepted",
  "event",
  "error",
  "decided",
  "pong",
  "going-away",
]);

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
