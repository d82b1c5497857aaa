import type {
  ImagePart,
  Message,
  MessagePart,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolOutcome,
} from "#domain/message/message.ts";

/** A conversation as every service wants it: each call with its result, in the calls' order. */
export type Passage =
  | { readonly kind: "user"; readonly parts: readonly (TextPart | ImagePart)[] }
  | {
      readonly kind: "assistant";
      /** Without what says nothing; a train of thought always leads to something. */
      readonly parts: readonly (TextPart | ReasoningPart | ToolCallPart)[];
      readonly results: readonly ToolResult[];
      /** No person has spoken since. */
      readonly isOfThisTurn: boolean;
    };

export interface ToolResult {
  readonly call: ToolCallPart;
  readonly outcome: ToolOutcome;
}

/**
 * Services refuse a call without its result, a result without its call, and each other's thoughts:
 * a missing result is stated, an orphan is left out, and so are the thoughts that are not `wants`ed
 * or that lead nowhere, since the answer was stopped behind them.
 */
export function toPassages(
  messages: readonly Message[],
  wants: (part: ReasoningPart) => boolean,
): Passage[] {
  const outcomes = new Map(messages.flatMap(outcomesOf));
  const lastUser = messages.findLastIndex(({ role }) => role === "user");
  return messages.flatMap((message, at): Passage[] => {
    if (message.role === "user") return toUser(message);
    if (message.role === "tool") return [];
    const parts = toAssistantParts(message, wants);
    const calls = parts.filter((part) => part.kind === "tool-call");
    const results = calls.map((call) => ({ call, outcome: outcomes.get(call.toolCallId) ?? LOST }));
    return parts.length === 0
      ? []
      : [{ kind: "assistant", parts, results, isOfThisTurn: at > lastUser }];
  });
}

/** What a model reads of a call's outcome. */
export function toResultText(outcome: ToolOutcome): string {
  if (outcome.kind === "ok") return JSON.stringify({ ok: true, output: outcome.output });
  const { code, message } = outcome;
  return JSON.stringify({ ok: false, error: { code, message } });
}

const LOST: ToolOutcome = {
  kind: "error",
  code: "cancelled",
  message: "The call was not finished",
};

function outcomesOf(message: Message): [string, ToolOutcome][] {
  return message.parts.flatMap((part): [string, ToolOutcome][] =>
    part.kind === "tool-result" ? [[part.toolCallId, part.outcome]] : [],
  );
}

function toUser(message: Message): Passage[] {
  const parts = message.parts.filter(isUsersOwn);
  return parts.length === 0 ? [] : [{ kind: "user", parts }];
}

function isUsersOwn(part: MessagePart): part is TextPart | ImagePart {
  return part.kind === "image" || (part.kind === "text" && part.text.trim() !== "");
}

function toAssistantParts(
  { parts }: Message,
  wants: (part: ReasoningPart) => boolean,
): (TextPart | ReasoningPart | ToolCallPart)[] {
  const said = parts.filter(
    (part): part is TextPart | ReasoningPart | ToolCallPart =>
      part.kind === "tool-call" ||
      (part.kind === "text" && part.text.trim() !== "") ||
      (part.kind === "reasoning" && wants(part)),
  );
  const end = said.findLastIndex(({ kind }) => kind !== "reasoning");
  return said.slice(0, end + 1);
}
