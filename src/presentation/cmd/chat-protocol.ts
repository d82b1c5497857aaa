import type { JsonValue } from "#domain/shared/json.ts";

/** The frames of `nexflow.v1` (docs/protocol.md) that a terminal client needs. */
export type ServerFrame =
  | { readonly type: "welcome" }
  | AcceptedFrame
  | EventFrame
  | ErrorFrame
  | { readonly type: "decided"; readonly approvalId: string; readonly state: string }
  | { readonly type: "going-away"; readonly reconnectAfterMs: number };

export interface AcceptedFrame {
  readonly type: "accepted";
  readonly clientMessageId: string;
  readonly sessionId: string;
  readonly turnId: string;
  readonly seq: number;
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

/** The AG-UI events that show something. */
export type RunEvent =
  | {
      readonly type: "RUN_STARTED";
      /** `resume` is there where the turn goes on after approvals. */
      readonly input?: { readonly resume?: readonly { readonly interruptId: string }[] };
    }
  | { readonly type: "TEXT_MESSAGE_START"; readonly messageId: string }
  | { readonly type: "TEXT_MESSAGE_CONTENT"; readonly messageId: string; readonly delta: string }
  | { readonly type: "TEXT_MESSAGE_END"; readonly messageId: string }
  | { readonly type: "TOOL_CALL_START"; readonly toolCallId: string; readonly toolCallName: string }
  | { readonly type: "TOOL_CALL_ARGS"; readonly toolCallId: string; readonly delta: string }
  | { readonly type: "TOOL_CALL_END"; readonly toolCallId: string }
  | { readonly type: "TOOL_CALL_RESULT"; readonly toolCallId: string; readonly content: string }
  | { readonly type: "RUN_FINISHED"; readonly outcome?: Outcome }
  | { readonly type: "RUN_ERROR"; readonly message: string; readonly code?: string }
  | {
      readonly type: "MESSAGES_SNAPSHOT";
      readonly messages: readonly ShownMessage[];
      readonly metadata?: {
        readonly turns?: readonly { readonly id: string; readonly state: string }[];
      };
    };

interface Outcome {
  readonly type: string;
  /** What the turn waits for, where the type is "interrupt". */
  readonly interrupts?: readonly { readonly metadata: { readonly card: ShownCard } }[];
}

/** What is shown to who is asked, as the API and `turn-paused` show it. */
export interface ShownCard {
  readonly approvalId: string;
  readonly tool: string;
  readonly input: JsonValue;
  readonly inputHash: string;
  readonly effects: readonly string[];
  readonly reaches: readonly string[];
  readonly rule: string;
  readonly reason: string;
  readonly expiresAtMs: number;
}

/** A stored message in AG-UI's form. */
export interface ShownMessage {
  readonly role: "user" | "assistant" | "tool";
  readonly id: string;
  readonly turnId?: string;
  readonly content?: string;
  readonly toolCallId?: string;
  readonly toolCalls?: readonly {
    readonly id: string;
    readonly function: { readonly name: string; readonly arguments: string };
  }[];
}

/** How far a client has come in a session. */
export interface Position {
  readonly sessionId: string;
  readonly seq: number;
  /** Unknown before the first event. */
  readonly epoch: number | undefined;
}
