import type { ChatResponse } from "ollama";
import type { LlmEvent, LlmStopReason } from "#application/ports/llm.ts";
import type { Skill } from "#domain/skill/skill.ts";
import type { TokenUsage } from "#domain/spend/token-usage.ts";
import { type Answer, type AnswerMeter, asText, parseEvent, toToolCall } from "./answer.ts";
import { complaintIn } from "./model-fault.ts";

export interface OllamaAnswerOptions {
  readonly provider: string;
  readonly skills: readonly Skill[];
  readonly meter: AnswerMeter;
}

type Line = Partial<ChatResponse> & { readonly error?: unknown };

/** An answer of ollama's `/api/chat`, a line for each piece; calls come whole. */
export class OllamaAnswer implements Answer {
  readonly #options: OllamaAnswerOptions;
  #thought = "";
  ending: LlmStopReason | undefined;
  usage: TokenUsage | undefined;

  constructor(options: OllamaAnswerOptions) {
    this.#options = options;
  }

  get isDone(): boolean {
    return this.ending !== undefined;
  }

  add(data: string): readonly LlmEvent[] {
    const line = parseEvent<Line>(data);
    if (line.error !== undefined) throw complaintIn(data);
    const events = line.message === undefined ? [] : this.#addMessage(line.message);
    if (line.done === true) this.#finish(line);
    return events;
  }

  end(): readonly LlmEvent[] {
    return this.#endThought();
  }

  #addMessage(message: ChatResponse["message"]): readonly LlmEvent[] {
    const events: LlmEvent[] = [];
    const thinking = asText(message.thinking);
    if (thinking !== "") {
      this.#options.meter.count(thinking.length);
      this.#thought += thinking;
      events.push({ kind: "reasoning", delta: thinking });
    }
    const text = asText(message.content);
    if (text !== "") {
      this.#options.meter.count(text.length);
      events.push(...this.#endThought(), { kind: "text", delta: text });
    }
    for (const { function: call } of message.tool_calls ?? []) {
      events.push(...this.#endThought(), this.#toCall(asText(call.name), call.arguments));
    }
    return events;
  }

  #toCall(name: string, input: unknown): LlmEvent {
    const draft = { name, json: "" };
    this.#options.meter.count(name.length);
    this.#options.meter.addInput(draft, JSON.stringify(input ?? {}));
    return toToolCall(draft, this.#options.skills);
  }

  #endThought(): readonly LlmEvent[] {
    if (this.#thought === "") return [];
    const { provider } = this.#options;
    const part = { kind: "reasoning", text: this.#thought, provider } as const;
    this.#thought = "";
    return [{ kind: "reasoning-ended", part }];
  }

  #finish({ done_reason: reason, prompt_eval_count: read, eval_count: written }: Line): void {
    this.ending = reason === "length" ? "length" : "stop";
    if (read === undefined && written === undefined) return;
    // A prompt that was in the cache as a whole is not counted at all.
    this.usage = { inputTokens: read ?? 0, outputTokens: written ?? 0 };
  }
}
