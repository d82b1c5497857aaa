import type {
  ChatCompletionAssistantMessageParam,
  ChatCompletionMessageParam,
  ChatCompletionTool,
} from "openai/resources/chat/completions";
import type { LlmRequest } from "#application/ports/llm.ts";
import type { Message, ToolCallPart, ToolOutcome } from "#domain/message/message.ts";
import { textOf } from "#domain/message/message.ts";
import type { Skill } from "#domain/skill/skill.ts";
import { toWireName } from "./tool-names.ts";

/**
 * A conversation in OpenAI's form. Their API refuses a call without its result and a result without
 * its call: each result follows its call, a missing one is stated, an orphan is left out.
 */
export function toOpenAiMessages({ system, messages }: LlmRequest): ChatCompletionMessageParam[] {
  const outcomes = new Map(messages.flatMap(outcomesOf));
  const converted = messages.flatMap((message) => toParams(message, outcomes));
  return system === "" ? converted : [{ role: "system", content: system }, ...converted];
}

export function toOpenAiTools(skills: readonly Skill[]): ChatCompletionTool[] {
  return skills.flatMap((skill) =>
    skill.tools.map((tool) => ({
      type: "function" as const,
      function: {
        name: toWireName(`${skill.name}.${tool.name}`),
        description: tool.description,
        parameters: tool.inputSchema as Record<string, unknown>,
      },
    })),
  );
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

function toParams(
  message: Message,
  outcomes: ReadonlyMap<string, ToolOutcome>,
): ChatCompletionMessageParam[] {
  if (message.role === "tool") return [];
  const content = textOf(message);
  if (message.role === "user") return [{ role: "user", content }];
  const calls = message.parts.filter((part) => part.kind === "tool-call");
  if (calls.length === 0) return content === "" ? [] : [{ role: "assistant", content }];
  return [
    { role: "assistant", content: content === "" ? null : content, tool_calls: calls.map(toCall) },
    ...calls.map(({ toolCallId }) => ({
      role: "tool" as const,
      tool_call_id: toolCallId,
      content: toContent(outcomes.get(toolCallId) ?? LOST),
    })),
  ];
}

type WireCall = NonNullable<ChatCompletionAssistantMessageParam["tool_calls"]>[number];

function toCall({ toolCallId, name, input }: ToolCallPart): WireCall {
  return {
    id: toolCallId,
    type: "function",
    function: { name: toWireName(name), arguments: JSON.stringify(input) },
  };
}

function toContent(outcome: ToolOutcome): string {
  if (outcome.kind === "ok") return JSON.stringify({ ok: true, output: outcome.output });
  const { code, message } = outcome;
  return JSON.stringify({ ok: false, error: { code, message } });
}
