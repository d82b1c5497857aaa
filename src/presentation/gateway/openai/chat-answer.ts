import type { ChatCompletion, ChatCompletionChunk } from "openai/resources/chat/completions";
import type { CompletionUsage } from "openai/resources/completions";
import type { TurnId } from "#domain/shared/id.ts";
import type { TokenUsage } from "#domain/spend/token-usage.ts";
import { json } from "../http-reply.ts";
import { type Answer, sseData } from "./answer.ts";
import { AnswerText, toRefusal } from "./answer-text.ts";
import { refuse, toOpenAiError } from "./openai-error.ts";
import type { TurnStep } from "./turn-reading.ts";

export interface ChatAnswerOptions {
  readonly turnId: TurnId;
  readonly model: string;
  readonly createdAtMs: number;
  readonly isStream: boolean;
  /** The stream tells at its end what the answer took. */
  readonly wantsUsage: boolean;
}

const DONE = "data: [DONE]\n\n";
/** Clients try again by themselves: here the turn has been tried as often as makes sense. */
export const NO_RETRY = { "x-should-retry": "false" };

/** A turn as a chat completion. */
export function createChatAnswer(options: ChatAnswerOptions): Answer {
  const { turnId, model, createdAtMs, isStream, wantsUsage } = options;
  const text = new AnswerText({ canTakeBack: !isStream });
  const head = { id: `chatcmpl-${turnId}`, created: Math.floor(createdAtMs / 1_000), model };

  return {
    get text() {
      return text.text;
    },
    begin: () => chunk({ role: "assistant", content: "" }),
    read(step: TurnStep) {
      const content = text.read(step);
      return content === "" ? "" : chunk({ content });
    },
    end(end, usage) {
      if (end.kind !== "completed") return sseData({ error: toOpenAiError(toRefusal(end)) });
      const counted = wantsUsage && usage !== undefined ? usageChunk(usage) : "";
      return chunk({}, "stop") + counted + DONE;
    },
    whole(end, usage) {
      if (end !== undefined && end.kind !== "completed") return refuse(toRefusal(end), NO_RETRY);
      const message = { role: "assistant", content: text.text, refusal: null } as const;
      const choice = { index: 0, message, logprobs: null, finish_reason: "stop" } as const;
      const counted = usage === undefined ? {} : { usage: toUsage(usage) };
      const choices = [choice];
      return json(200, {
        ...head,
        object: "chat.completion",
        choices,
        ...counted,
      } satisfies ChatCompletion);
    },
  };

  function chunk(
    delta: ChatCompletionChunk.Choice.Delta,
    reason: ChatCompletionChunk.Choice["finish_reason"] = null,
  ): string {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason: reason }];
    return sseData({
      ...head,
      object: "chat.completion.chunk",
      choices,
      ...(wantsUsage ? { usage: null } : {}),
    } satisfies ChatCompletionChunk);
  }

  function usageChunk(usage: TokenUsage): string {
    const choices: ChatCompletionChunk.Choice[] = [];
    return sseData({
      ...head,
      object: "chat.completion.chunk",
      choices,
      usage: toUsage(usage),
    } satisfies ChatCompletionChunk);
  }
}

function toUsage(usage: TokenUsage): CompletionUsage {
  const { inputTokens, outputTokens, cachedInputTokens = 0, reasoningTokens = 0 } = usage;
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedInputTokens },
    completion_tokens_details: { reasoning_tokens: reasoningTokens },
  };
}
