import type { Message } from "#domain/message/message.ts";
import type { CountTokens } from "#domain/spend/estimate-tokens.ts";
import { clip } from "./quote-data.ts";
import type { Count, Countable } from "./token-meter.ts";

const CHARS_PER_TOKEN = 4;

/** The start of a text that takes at most `maxTokens`. */
export function fitText(text: string, maxTokens: number, count: CountTokens): string {
  let fitted = clip(text, Math.max(0, Math.floor(maxTokens)) * CHARS_PER_TOKEN);
  for (let tokens = count(fitted); tokens > maxTokens; tokens = count(fitted)) {
    const chars = Math.floor((fitted.length * maxTokens * 0.95) / tokens) - 1;
    if (chars <= 0) return "";
    fitted = clip(fitted, chars);
  }
  return fitted;
}

/** Where the turn of message `last` begins. */
export function startOfTurn(messages: readonly Message[], last: number): number {
  const turnId = messages[last]?.turnId;
  let start = Math.max(last, 0);
  while (start > 0 && messages[start - 1]?.turnId === turnId) start -= 1;
  return start;
}

export function sum(messages: readonly Countable[], count: Count): number {
  return messages.reduce((tokens, message) => tokens + count.message(message), 0);
}
