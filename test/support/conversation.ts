import type { Message, MessagePart, ToolOutcome } from "#domain/message/message.ts";
import { parseMessageId, parseSessionId, parseToolCallId, parseTurnId } from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";

/** The `number`-th turn of a conversation, its id ordered as the real ones are. */
export const turnIdOf = (number: number) => parseTurnId(`t${String(number).padStart(6, "0")}`);

/** One message of a turn, named for its place. */
export function messageOf(
  turn: number,
  place: number,
  role: Message["role"],
  parts: readonly MessagePart[],
): Message {
  const turnId = turnIdOf(turn);
  const id = parseMessageId(`${turnId}-${place}`);
  const sessionId = parseSessionId("s1");
  return { id, sessionId, turnId, role, parts, isComplete: true, createdAtMs: turn };
}

export const text = (words: string): MessagePart => ({ kind: "text", text: words });

export const toolCall = (id: string, name: string, input: JsonValue = {}): MessagePart => ({
  kind: "tool-call",
  toolCallId: parseToolCallId(id),
  name,
  input,
});

export const toolResult = (
  id: string,
  outcome: ToolOutcome = { kind: "ok", output: {} },
): MessagePart => ({ kind: "tool-result", toolCallId: parseToolCallId(id), outcome });

/** A question and its answer. */
export function plainTurn(turn: number, words = `turn ${turn}`): readonly Message[] {
  return [
    messageOf(turn, 0, "user", [text(`${words} asked`)]),
    messageOf(turn, 1, "assistant", [text(`${words} answered`)]),
  ];
}
