import type { Message } from "#domain/message/message.ts";
import type { ToolCallId } from "#domain/shared/id.ts";

/**
 * The messages without tool results whose call is not before them and calls that no result
 * follows: services refuse a conversation with one of these. Messages that have all of theirs stay
 * the same objects.
 */
export function keepWholePairs(messages: readonly Message[]): readonly Message[] {
  const answered = answeredCalls(messages);
  const isWhole = ({ parts }: Message) => parts.every((part) => isKept(part, answered));
  if (messages.every((message) => message.parts.length > 0 && isWhole(message)))
    return [...messages];
  return messages.flatMap((message) => {
    if (isWhole(message)) return message.parts.length === 0 ? [] : [message];
    const parts = message.parts.filter((part) => isKept(part, answered));
    // What a model thought before a call belongs to that call.
    const spoken = parts.filter(({ kind }) => kind !== "reasoning");
    return spoken.length === 0 ? [] : [{ ...message, parts: spoken }];
  });
}

function isKept(part: Message["parts"][number], answered: ReadonlySet<ToolCallId>): boolean {
  if (part.kind !== "tool-call" && part.kind !== "tool-result") return true;
  return answered.has(part.toolCallId);
}

/** Calls that have a result behind them. */
function answeredCalls(messages: readonly Message[]): ReadonlySet<ToolCallId> {
  const asked = new Set<ToolCallId>();
  const answered = new Set<ToolCallId>();
  for (const { parts } of messages) {
    for (const part of parts) {
      if (part.kind === "tool-call") asked.add(part.toolCallId);
      if (part.kind === "tool-result" && asked.has(part.toolCallId)) answered.add(part.toolCallId);
    }
  }
  return answered;
}
