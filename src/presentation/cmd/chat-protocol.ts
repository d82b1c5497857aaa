/** The frames of `nexflow.v1` (docs/protocol.md) that a terminal client needs. */
export type ServerFrame =
  | { readonly type: "welcome" }
  | AcceptedFrame
  | EventFrame
  | ErrorFrame
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
  | { readonly type: "RUN_STARTED" }
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
      readonly messages: readonly ShownMessage[];
      readonly metadata?: {
        readonly turns?: readonly { readonly id: string; readonly state: string }[];
      };
    };

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
