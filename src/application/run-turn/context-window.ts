import type { Message, MessagePart } from "#domain/message/message.ts";

const CHARS_PER_TOKEN = 4;
const TOKENS_PER_MESSAGE = 4;
/** Messages never change, and each turn looks at all of its session's. */
const estimates = new WeakMap<Message, number>();

/**
 * The latest whole turns that fit into `budgetTokens`, oldest first; the last turn always. Turns
 * are kept or left out whole, so that no tool result loses its call.
 */
export function fitToBudget(history: readonly Message[], budgetTokens: number): readonly Message[] {
  let start = history.length;
  let tokens = 0;
  while (start > 0) {
    const from = startOfTurn(history, start - 1);
    tokens += history.slice(from, start).reduce((sum, message) => sum + estimateTokens(message), 0);
    if (tokens > budgetTokens && start < history.length) break;
    start = from;
  }
  return history.slice(start);
}

/**
 * About how many tokens a message takes: four characters of English text are one token in the
 * common byte-pair encodings (OpenAI's own rule of thumb), four more frame the message.
 */
function estimateTokens(message: Message): number {
  const known = estimates.get(message);
  if (known !== undefined) return known;
  const chars = message.parts.reduce((sum, part) => sum + charsOf(part), 0);
  const tokens = TOKENS_PER_MESSAGE + Math.ceil(chars / CHARS_PER_TOKEN);
  estimates.set(message, tokens);
  return tokens;
}

function startOfTurn(history: readonly Message[], last: number): number {
  const turnId = history[last]?.turnId;
  let start = last;
  while (start > 0 && history[start - 1]?.turnId === turnId) start -= 1;
  return start;
}

function charsOf(part: MessagePart): number {
  switch (part.kind) {
    case "text":
      return part.text.length;
    case "tool-call":
      return part.name.length + JSON.stringify(part.input).length;
    case "tool-result":
      return JSON.stringify(part.outcome).length;
    default:
      return part satisfies never;
  }
}
