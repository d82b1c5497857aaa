import type { Message, MessagePart } from "#domain/message/message.ts";
import { sum } from "./fit-text.ts";
import { clip } from "./quote-data.ts";
import type { Count } from "./token-meter.ts";

const MOST_CHARS = 65_536;
const LEAST_CHARS = 512;

/**
 * The messages, and where they take more than `maxTokens` with what tools returned cut, the longest
 * first: a page that is larger than the model must not end the turn. Each cut says so.
 */
export function shortenResults(
  messages: readonly Message[],
  maxTokens: number,
  count: Count,
): readonly Message[] {
  let shortened = messages;
  for (let chars = MOST_CHARS; chars >= LEAST_CHARS; chars /= 2) {
    if (sum(shortened, count) <= maxTokens) break;
    shortened = messages.map((message) => cutResults(message, chars));
  }
  return shortened;
}

function cutResults(message: Message, maxChars: number): Message {
  const parts = message.parts.map((part) => cut(part, maxChars));
  return parts.every((part, at) => part === message.parts[at]) ? message : { ...message, parts };
}

function cut(part: MessagePart, maxChars: number): MessagePart {
  if (part.kind !== "tool-result" || part.outcome.kind === "error") return part;
  const { output } = part.outcome;
  const text = typeof output === "string" ? output : JSON.stringify(output);
  if (text.length <= maxChars) return part;
  const said = `${clip(text, maxChars)} [Nexflow: ${text.length - maxChars} characters are left out here, for lack of room]`;
  return { ...part, outcome: { kind: "ok", output: said } };
}
