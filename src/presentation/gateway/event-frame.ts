import type { AGUIEvent, Message as AgUiMessage } from "@ag-ui/core";
import type { ApprovalCard } from "#domain/approval/approval-card.ts";
import type { Message, ToolOutcome } from "#domain/message/message.ts";
import { textOf } from "#domain/message/message.ts";
import type { TurnSummary } from "#domain/session/session-repository.ts";
import type { MessageId, SessionId, TurnId } from "#domain/shared/id.ts";
import type { TurnEvent } from "#domain/turn/turn-event.ts";

/** Where in which session's log an event stands. */
export interface EventPosition {
  readonly sessionId: SessionId;
  readonly turnId: TurnId;
  readonly epoch: number;
  readonly seq: number;
}

/** The `event` frame that shows `event` as AG-UI: one event, one frame, one `seq`. */
export function encodeEventFrame(input: EventPosition & { readonly event: TurnEvent }): string {
  return encodeFrame(input, toAgUiEvent(input, input.event));
}

/**
 * The `event` frame that replaces all a client has of the session with `messages`; how their
 * turns stand is in its `metadata.turns`.
 */
export function encodeSnapshotFrame(
  input: EventPosition & {
    readonly messages: readonly Message[];
    readonly turns: readonly TurnSummary[];
  },
): string {
  return encodeFrame(input, {
    type: "MESSAGES_SNAPSHOT",
    messages: input.messages.map(toAgUiMessage),
    metadata: { turns: input.turns },
  });
}

/**
 * A stored message as AG-UI shows it, with `createdAtMs` and `turnId` beside its own fields, and
 * `isComplete: false` where its turn ended in the middle of the text.
 */
export function toAgUiMessage(message: Message): AgUiMessage {
  const { id, turnId, createdAtMs, isComplete } = message;
  const ours = { turnId, createdAtMs, ...(isComplete ? {} : { isComplete }) };
  switch (message.role) {
    case "user":
      return { id, role: "user", content: textOf(message), ...ours };
    case "assistant":
      return { id, role: "assistant", ...assistantContent(message), ...ours };
    case "tool":
      return { id, role: "tool", ...toolContent(message), ...ours };
    default:
      return message.role satisfies never;
  }
}

const HEAD = /^\{"type":"event","sessionId":"[^"]*","turnId":"[^"]*","epoch":(\d+),"seq":(\d+),/u;

/** Where the frame `text`, one that was encoded here, stands in its session's log. */
export function positionOf(text: string): Pick<EventPosition, "epoch" | "seq"> | undefined {
  const [, epoch, seq] = HEAD.exec(text) ?? [];
  return seq === undefined ? undefined : { epoch: Number(epoch), seq: Number(seq) };
}

const MAY_END = /"event":\{"type":"(?:RUN_FINISHED|RUN_ERROR|MESSAGES_SNAPSHOT)"/u;

/** Whether a frame that was encoded here may tell of the end of a turn; true now and then if not. */
export function mayEndTurn(text: string): boolean {
  return MAY_END.test(text);
}

/** An AG-UI event with its type as plain text, so that no code of `@ag-ui/core` is loaded. */
type WireEvent = AGUIEvent extends infer Event
  ? Event extends { readonly type: infer Type }
    ? Omit<Event, "type"> & { readonly type: `${Type & string}` }
    : never
  : never;

function encodeFrame({ sessionId, turnId, epoch, seq }: EventPosition, event: WireEvent): string {
  return JSON.stringify({ type: "event", sessionId, turnId, epoch, seq, event });
}

function toAgUiEvent({ sessionId, turnId }: EventPosition, event: TurnEvent): WireEvent {
  const run = { threadId: sessionId, runId: turnId };
  switch (event.kind) {
    case "turn-started":
      return { type: "RUN_STARTED", ...run, input: { ...run, ...runInput(event) } };
    case "text-started":
      return { type: "TEXT_MESSAGE_START", messageId: event.messageId, role: "assistant" };
    case "text-delta":
      return { type: "TEXT_MESSAGE_CONTENT", messageId: event.messageId, delta: event.delta };
    case "text-ended":
      return { type: "TEXT_MESSAGE_END", messageId: event.messageId };
    case "reasoning-started":
      return { type: "REASONING_MESSAGE_START", messageId: reasoningId(event), role: "reasoning" };
    case "reasoning-delta": {
      const { delta } = event;
      return { type: "REASONING_MESSAGE_CONTENT", messageId: reasoningId(event), delta };
    }
    case "reasoning-ended":
      return { type: "REASONING_MESSAGE_END", messageId: reasoningId(event) };
    case "model-failed":
    case "message-joined":
    case "session-tainted":
    case "context-compacted":
    case "turn-spent": {
      const { kind, ...value } = event;
      return { type: "CUSTOM", name: `nexflow.${kind}`, value };
    }
    case "tool-call-started":
      return {
        type: "TOOL_CALL_START",
        toolCallId: event.toolCallId,
        toolCallName: event.name,
        parentMessageId: event.messageId,
      };
    case "tool-call-input":
      return { type: "TOOL_CALL_ARGS", toolCallId: event.toolCallId, delta: event.inputJson };
    case "tool-call-ended":
      return { type: "TOOL_CALL_END", toolCallId: event.toolCallId };
    case "tool-call-returned":
      return {
        type: "TOOL_CALL_RESULT",
        messageId: event.messageId,
        toolCallId: event.toolCallId,
        role: "tool",
        content: encodeOutcome(event.outcome),
      };
    case "turn-paused": {
      const interrupts = event.approvals.map(toInterrupt);
      return { type: "RUN_FINISHED", ...run, outcome: { type: "interrupt", interrupts } };
    }
    case "turn-resumed": {
      const resume = event.decisions.map(({ approvalId, decision }) => ({
        interruptId: approvalId,
        status: "resolved" as const,
        payload: { decision },
      }));
      const input = { ...run, messages: [], tools: [], context: [], resume };
      return { type: "RUN_STARTED", ...run, input };
    }
    case "turn-completed":
      return { type: "RUN_FINISHED", ...run, outcome: { type: "success" } };
    case "turn-cancelled":
      return { type: "RUN_FINISHED", ...run, outcome: { type: "cancelled" } };
    case "turn-failed":
      return { type: "RUN_ERROR", code: event.failure.code, message: event.failure.message };
    default:
      return event satisfies never;
  }
}

function runInput({ userMessageId, text }: Extract<TurnEvent, { kind: "turn-started" }>) {
  const message = { id: userMessageId, role: "user" as const, content: text };
  return { messages: [message], tools: [], context: [] };
}

/** Thoughts stand beside the message they lead to, under an id of their own. */
function reasoningId({ messageId }: { readonly messageId: MessageId }): string {
  return `${messageId}-reasoning`;
}

/** An approval as AG-UI asks for it; the whole card is in its metadata. */
function toInterrupt(card: ApprovalCard) {
  return {
    id: card.approvalId,
    reason: "approval",
    message: card.reason,
    toolCallId: card.toolCallId,
    expiresAt: new Date(card.expiresAtMs).toISOString(),
    metadata: { card },
  };
}

function assistantContent(message: Message) {
  const text = textOf(message);
  const toolCalls = message.parts
    .filter((part) => part.kind === "tool-call")
    .map(({ toolCallId, name, input }) => ({
      id: toolCallId,
      type: "function" as const,
      function: { name, arguments: JSON.stringify(input) },
    }));
  return {
    ...(text === "" && toolCalls.length > 0 ? {} : { content: text }),
    ...(toolCalls.length > 0 ? { toolCalls } : {}),
  };
}

function toolContent({ id, parts }: Message) {
  const result = parts.find((part) => part.kind === "tool-result");
  if (result === undefined) {
    throw new RangeError(`Cannot show message "${id}": expected a tool message to hold a result`);
  }
  return { toolCallId: result.toolCallId, content: encodeOutcome(result.outcome) };
}

function encodeOutcome(outcome: ToolOutcome): string {
  if (outcome.kind === "ok") return JSON.stringify({ ok: true, output: outcome.output });
  const { code, message } = outcome;
  return JSON.stringify({ ok: false, error: { code, message } });
}
