import type { LlmEvent, LlmRequest } from "#application/ports/llm.ts";
import { isOffline } from "#domain/model/model-name.ts";
import { countInput, estimateTokens, weighTokens } from "#domain/spend/estimate-tokens.ts";
import type { TokenUsage } from "#domain/spend/token-usage.ts";

type ToolCallEvent = Extract<LlmEvent, { readonly kind: "tool-call" }>;

/** Keeps count of one answer: what came of it, and what the service said that it took. */
export class AnswerTally {
  readonly #request: LlmRequest;
  readonly #calls: ToolCallEvent[] = [];
  /** The rules that are built in take nothing. */
  readonly #isFree: boolean;
  /** Of what the model wrote, about. */
  #tokens = 0;
  #said: TokenUsage | undefined;

  constructor(request: LlmRequest, model: string) {
    this.#request = request;
    this.#isFree = isOffline(model);
  }

  /** Whether `event` is for the caller now: tool calls wait until the answer is whole. */
  add(event: LlmEvent): boolean {
    switch (event.kind) {
      case "text":
      case "reasoning":
        this.#tokens += weighTokens(event.delta);
        return true;
      case "tool-call": {
        const { input, name } = event;
        const text = input.kind === "json" ? JSON.stringify(input.value) : input.text;
        this.#tokens += weighTokens(name) + weighTokens(text);
        this.#calls.push(event);
        return false;
      }
      case "usage":
        this.#said = event.usage;
        return true;
      case "reasoning-ended":
      case "attempt-failed":
      case "finished":
        return true;
      default:
        return event satisfies never;
    }
  }

  takeCalls(): readonly ToolCallEvent[] {
    return this.#calls.splice(0);
  }

  /** What the whole answer took: as the service says, or about, where it says nothing. */
  whole(said: TokenUsage): TokenUsage {
    const isSilent = said.inputTokens === 0 && said.outputTokens === 0;
    return isSilent && !this.#isFree ? this.#estimate() : said;
  }

  /**
   * What an answer took that has no end: nothing where nothing came of it, unless `isRead`: the
   * service may have read all the same.
   */
  part(isRead: boolean): TokenUsage {
    const isNothing = this.#said === undefined && this.#tokens === 0 && !isRead;
    if (isNothing || this.#isFree) return { inputTokens: 0, outputTokens: 0 };
    const about = this.#estimate();
    if (this.#said === undefined) return about;
    // What is said before the end counts all of the input, and of the output what was there then.
    if (this.#said.outputTokens >= about.outputTokens) return this.#said;
    return { ...this.#said, outputTokens: about.outputTokens, isEstimated: true };
  }
  #estimate(): TokenUsage {
    const inputTokens = countInput(this.#request, estimateTokens);
    return { inputTokens, outputTokens: Math.ceil(this.#tokens), isEstimated: true };
  }
}
