import type { RunEvent, ShownMessage } from "./chat-protocol.ts";
import { toPlainText } from "./output.ts";

export interface ChatViewOptions {
  /** Takes the answer. */
  readonly write: (text: string) => void;
  /** Takes all that is said about the answer. */
  readonly note: (line: string) => void;
  /** Show text as it comes; otherwise each answer whole, at its end. */
  readonly isLive: boolean;
}

const MAX_LINE_CHARS = 160;

/** Shows one turn after the other as text. */
export class ChatView {
  readonly #options: ChatViewOptions;
  readonly #texts = new Map<string, string>();
  readonly #calls = new Map<string, { readonly name: string; input: string }>();

  constructor(options: ChatViewOptions) {
    this.#options = options;
  }

  show(event: RunEvent): void {
    switch (event.type) {
      case "RUN_STARTED":
        if (event.input?.resume === undefined) this.#texts.clear();
        return;
      case "TEXT_MESSAGE_CONTENT":
        return this.#addText(event.messageId, event.delta);
      case "TEXT_MESSAGE_END":
        if (this.#options.isLive) this.#options.write("\n");
        return;
      case "TOOL_CALL_START":
        this.#calls.set(event.toolCallId, { name: event.toolCallName, input: "" });
        return;
      case "TOOL_CALL_ARGS": {
        const call = this.#calls.get(event.toolCallId);
        if (call) call.input += event.delta;
        return;
      }
      case "TOOL_CALL_RESULT":
        return this.#showResult(event.toolCallId, event.content);
      case "RUN_FINISHED":
        this.end();
        if (event.outcome?.type === "cancelled") this.#options.note("(stopped)");
        if (event.outcome?.type === "interrupt") this.#options.note("(waits for an approval)");
        return;
      case "RUN_ERROR":
        this.end();
        this.#options.note(toPlainText(`Failed: ${event.message}`));
        return;
      case "TEXT_MESSAGE_START":
      case "TOOL_CALL_END":
      case "MESSAGES_SNAPSHOT":
        return;
      default:
        // A newer server may show more than we know.
        event satisfies never;
    }
  }

  /** The turn as the server has it now, in place of all that was shown of it. */
  replaceTurn(turnId: string, messages: readonly ShownMessage[]): void {
    this.#texts.clear();
    const answers = messages.filter(
      (shown) => shown.turnId === turnId && shown.role === "assistant",
    );
    if (this.#options.isLive) this.#options.note("\n(the answer was begun anew)");
    for (const { id, content = "" } of answers) this.#addText(id, content);
  }

  /** What was said before. */
  showHistory(messages: readonly ShownMessage[]): void {
    for (const { role, content = "", toolCalls = [] } of messages) {
      if (role === "user") this.#options.note(toPlainText(`> ${content}`));
      if (role === "assistant" && content !== "") this.#options.note(toPlainText(content));
      for (const { function: call } of toolCalls) {
        this.#options.note(toLine(`[${call.name}] ${call.arguments}`));
      }
    }
  }

  /** Nothing more is said in this turn. */
  end(): void {
    const texts = [...this.#texts.values()].filter((text) => text !== "");
    this.#texts.clear();
    if (!this.#options.isLive && texts.length > 0)
      this.#options.write(`${toPlainText(texts.join("\n\n"))}\n`);
  }

  #addText(messageId: string, delta: string): void {
    this.#texts.set(messageId, (this.#texts.get(messageId) ?? "") + delta);
    if (this.#options.isLive) this.#options.write(toPlainText(delta));
  }

  #showResult(toolCallId: string, content: string): void {
    const { name, input } = this.#calls.get(toolCallId) ?? { name: "tool", input: "" };
    this.#calls.delete(toolCallId);
    this.#options.note(toLine(`[${name}] ${input} -> ${toOutcome(content)}`));
  }
}

function toOutcome(content: string): string {
  const { ok, output, error } = JSON.parse(content) as {
    readonly ok: boolean;
    readonly output?: unknown;
    readonly error?: { readonly code: string; readonly message: string };
  };
  return ok ? JSON.stringify(output) : `${error?.code}: ${error?.message}`;
}

function toLine(text: string): string {
  const line = toPlainText(text).replaceAll(/\s+/gu, " ");
  return line.length <= MAX_LINE_CHARS ? line : `${line.slice(0, MAX_LINE_CHARS - 1)}…`;
}
