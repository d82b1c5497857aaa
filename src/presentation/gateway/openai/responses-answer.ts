import type {
  Response,
  ResponseOutputItem,
  ResponseOutputMessage,
  ResponseOutputText,
  ResponseReasoningItem,
  ResponseStatus,
  ResponseStreamEvent,
  ResponseUsage,
} from "openai/resources/responses/responses";
import type { TurnId } from "#domain/shared/id.ts";
import type { TokenUsage } from "#domain/spend/token-usage.ts";
import { json } from "../http-reply.ts";
import type { Answer } from "./answer.ts";
import { approvalNote, toRefusal } from "./answer-text.ts";
import { NO_RETRY } from "./chat-answer.ts";
import { refuse } from "./openai-error.ts";
import type { TurnEnd, TurnStep } from "./turn-reading.ts";

export interface ResponsesAnswerOptions {
  readonly turnId: TurnId;
  readonly model: string;
  readonly createdAtMs: number;
  readonly previousTurnId?: TurnId | undefined;
  readonly instructions?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly isBackground?: boolean | undefined;
  /** The client has each part at once. */
  readonly isStream?: boolean;
}

/** An event without the number that it gets when it is written. */
type Unnumbered<Event> = Event extends { readonly sequence_number: number }
  ? Omit<Event, "sequence_number">
  : never;

export function responseId(turnId: TurnId): string {
  return `resp_${turnId}`;
}

export function messageItemId(turnId: TurnId, messageId: string): string {
  return `msg_${turnId}.${messageId}`;
}

/** Begins the id of an item that holds no message of the turn. */
export const NOTE = "approval-";

/** A turn as a response: each of its messages and trains of thought is an item of the output. */
export function createResponsesAnswer(options: ResponsesAnswerOptions): Answer {
  const { turnId, isStream = false } = options;
  const output: ResponseOutputItem[] = [];
  /** The item that is written at the moment. */
  let open:
    | { readonly item: ResponseOutputMessage | ResponseReasoningItem; text: string }
    | undefined;
  let count = 0;
  let notes = 0;

  return {
    get text() {
      const texts = output.map(outputTextOf).filter((text) => text !== "");
      return texts.join("\n\n");
    },
    begin() {
      const response = toResponse("in_progress");
      return (
        event({ type: "response.created", response }) +
        event({ type: "response.in_progress", response })
      );
    },
    read,
    end(end, usage) {
      const events = closeItem(end.kind === "completed");
      const response = toResponse(end.kind, { end, usage });
      if (end.kind === "completed") return events + event({ type: "response.completed", response });
      return events + event({ type: "response.failed", response });
    },
    whole(end, usage) {
      closeItem(end?.kind === "completed");
      if (end?.kind === "failed") return refuse(toRefusal(end), NO_RETRY);
      const status = end === undefined ? "in_progress" : end.kind;
      return json(200, toResponse(status, { end, usage }));
    },
  };

  function read(step: TurnStep): string {
    // What was said of an open question is nothing any more.
    if (!isStream && output.at(-1)?.id?.startsWith(noteId("")) === true) output.pop();
    switch (step.kind) {
      case "text-began":
        return closeItem(true);
      case "text":
        return addText(messageItemId(turnId, step.messageId), step.delta);
      case "thought":
        return addThought(`rs_${turnId}.${step.messageId}`, step.delta);
      case "text-ended":
      case "thought-ended":
        return closeItem(true);
      case "broke-off":
        return breakOff(step.messageId);
      case "waiting": {
        notes += 1;
        return addText(noteId(String(notes)), approvalNote(step.approvals)) + closeItem(true);
      }
      case "restarted":
        output.length = 0;
        open = undefined;
        return "";
      case "ended":
        return "";
      default:
        return step satisfies never;
    }
  }

  function breakOff(messageId: string | undefined): string {
    const events = closeItem(false);
    const at = output.findIndex(({ id }) => id === messageItemId(turnId, messageId ?? ""));
    if (!isStream && at !== -1) output.splice(at, 1);
    return events;
  }

  function noteId(which: string): string {
    return messageItemId(turnId, NOTE + which);
  }

  function addText(id: string, delta: string): string {
    let events = "";
    if (open?.item.id !== id) {
      const item: ResponseOutputMessage = {
        id,
        type: "message",
        role: "assistant",
        status: "in_progress",
        content: [],
      };
      events += openItem(item);
      events += event({ ...partAt(id), type: "response.content_part.added", part: textPart("") });
    }
    if (open !== undefined) open.text += delta;
    return (
      events + event({ ...partAt(id), type: "response.output_text.delta", delta, logprobs: [] })
    );
  }

  function addThought(id: string, delta: string): string {
    let events = "";
    if (open?.item.id !== id) {
      events += openItem({ id, type: "reasoning", summary: [], status: "in_progress" });
      const part = { type: "summary_text" as const, text: "" };
      events += event({ ...summaryAt(id), type: "response.reasoning_summary_part.added", part });
    }
    if (open !== undefined) open.text += delta;
    return (
      events + event({ ...summaryAt(id), type: "response.reasoning_summary_text.delta", delta })
    );
  }

  function openItem(item: ResponseOutputMessage | ResponseReasoningItem): string {
    const events = closeItem(true);
    open = { item, text: "" };
    return (
      events + event({ type: "response.output_item.added", item, output_index: output.length })
    );
  }

  function closeItem(isWhole: boolean): string {
    if (open === undefined) return "";
    const { item: begun, text } = open;
    const status = isWhole ? "completed" : "incomplete";
    const { id } = begun;
    let item: ResponseOutputItem;
    let events: string;
    if (begun.type === "message") {
      const part = textPart(text);
      item = { ...begun, status, content: [part] };
      events =
        event({ ...partAt(id), type: "response.output_text.done", text, logprobs: [] }) +
        event({ ...partAt(id), type: "response.content_part.done", part });
    } else {
      const part = { type: "summary_text" as const, text };
      item = { ...begun, status, summary: [part] };
      events =
        event({ ...summaryAt(id), type: "response.reasoning_summary_text.done", text }) +
        event({ ...summaryAt(id), type: "response.reasoning_summary_part.done", part });
    }
    events += event({ type: "response.output_item.done", item, output_index: output.length });
    output.push(item);
    open = undefined;
    return events;
  }

  function partAt(itemId: string) {
    return { item_id: itemId, output_index: output.length, content_index: 0 };
  }

  function summaryAt(itemId: string) {
    return { item_id: itemId, output_index: output.length, summary_index: 0 };
  }

  function event(body: Unnumbered<ResponseStreamEvent>): string {
    const numbered = { ...body, sequence_number: count };
    count += 1;
    return `event: ${body.type}\ndata: ${JSON.stringify(numbered)}\n\n`;
  }

  function toResponse(
    status: ResponseStatus,
    {
      end,
      usage,
    }: { readonly end?: TurnEnd | undefined; readonly usage?: TokenUsage | undefined } = {},
  ): Response {
    return describeResponse(options, { status, output, end, usage });
  }
}

export interface ResponseFacts {
  readonly status: ResponseStatus;
  readonly output: readonly ResponseOutputItem[];
  readonly end?: TurnEnd | undefined;
  readonly usage?: TokenUsage | undefined;
}

/** A response as it stands. */
export function describeResponse(
  options: ResponsesAnswerOptions,
  { status, output, end, usage }: ResponseFacts,
): Response {
  const { turnId, model, createdAtMs, previousTurnId, instructions, metadata } = options;
  return {
    id: responseId(turnId),
    object: "response",
    created_at: Math.floor(createdAtMs / 1_000),
    status,
    model,
    output: [...output],
    output_text: output.map(outputTextOf).join(""),
    error: end?.kind === "failed" ? { code: "server_error", message: errorText(end) } : null,
    incomplete_details: null,
    instructions: instructions ?? null,
    metadata: { ...metadata },
    previous_response_id: previousTurnId === undefined ? null : responseId(previousTurnId),
    background: options.isBackground === true,
    access_programs: null,
    parallel_tool_calls: true,
    temperature: null,
    top_p: null,
    tool_choice: "auto",
    tools: [],
    ...(usage === undefined ? {} : { usage: toUsage(usage) }),
  };
}

export function toMessageItem(id: string, text: string, isWhole: boolean): ResponseOutputMessage {
  const status = isWhole ? "completed" : "incomplete";
  return { id, type: "message", role: "assistant", status, content: [textPart(text)] };
}

/** OpenAI's own codes are few: ours is in the text. */
function errorText({ code, message }: TurnEnd & { kind: "failed" }): string {
  return `${message} (${code})`;
}

function textPart(text: string): ResponseOutputText {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

function outputTextOf(item: ResponseOutputItem): string {
  if (item.type !== "message") return "";
  return item.content.map((part) => (part.type === "output_text" ? part.text : "")).join("");
}

function toUsage(usage: TokenUsage): ResponseUsage {
  const { inputTokens, outputTokens, reasoningTokens = 0 } = usage;
  const { cachedInputTokens = 0, cacheWriteTokens = 0 } = usage;
  return {
    input_tokens: inputTokens,
    input_tokens_details: {
      cached_tokens: cachedInputTokens,
      cache_write_tokens: cacheWriteTokens,
    },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: inputTokens + outputTokens,
  };
}
