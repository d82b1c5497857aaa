import type {
  ChatCompletionAssistantMessageParam,
  ChatCompletionContentPart,
  ChatCompletionCreateParamsStreaming,
  ChatCompletionMessageParam,
  ChatCompletionTool,
} from "openai/resources/chat/completions";
import type { LlmRequest } from "#application/ports/llm.ts";
import type { ImagePart, ReasoningPart, TextPart, ToolCallPart } from "#domain/message/message.ts";
import { oncePer } from "#domain/shared/once-per.ts";
import { type Passage, toPassages, toResultText } from "./conversation.ts";
import { toEffort } from "./openai-thinking.ts";
import { toWireName, toWireTools, type WireTool } from "./tool-names.ts";

export interface ChatRequestOptions {
  readonly model: string;
  readonly provider: string;
  /** OpenAI's own service, which knows fields that others refuse, and refuses some that others want. */
  readonly isOpenAi: boolean;
}

/** A request of the Chat Completions API. */
export function toChatRequest(
  request: LlmRequest,
  { model, provider, isOpenAi }: ChatRequestOptions,
): ChatCompletionCreateParamsStreaming {
  const { system, messages, maxOutputTokens, reasoning, cacheKey } = request;
  const tools = toWireTools(request.skills).map(toTool);
  const effort = toEffort(reasoning, { model, isOpenAi });
  const passages = toPassages(messages, (part) => part.provider === provider);
  return {
    model,
    messages: [
      ...(system === "" ? [] : [{ role: "system" as const, content: system }]),
      ...passages.flatMap(toParams),
    ],
    ...(tools.length > 0 && { tools }),
    ...(maxOutputTokens !== undefined && {
      [isOpenAi ? "max_completion_tokens" : "max_tokens"]: maxOutputTokens,
    }),
    ...(effort !== undefined && { reasoning_effort: effort }),
    ...(isOpenAi && cacheKey !== undefined && { prompt_cache_key: cacheKey }),
    stream: true,
    stream_options: { include_usage: true, ...(isOpenAi && { include_obfuscation: false }) },
  };
}

const toTool = oncePer(({ name, description, inputSchema }: WireTool): ChatCompletionTool => {
  const parameters = inputSchema as Record<string, unknown>;
  return { type: "function", function: { name, description, parameters } };
});

function toParams(passage: Passage): ChatCompletionMessageParam[] {
  if (passage.kind === "user") return [{ role: "user", content: toContent(passage.parts) }];
  const { parts, results, isOfThisTurn } = passage;
  const calls = parts.filter((part) => part.kind === "tool-call");
  const text = parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
  const assistant: ChatCompletionAssistantMessageParam = {
    role: "assistant",
    content: text === "" ? null : text,
    // Within a turn some models go on from their thoughts; of older ones nobody wants to know.
    ...(isOfThisTurn && toThoughts(parts.filter((part) => part.kind === "reasoning"))),
    ...(calls.length > 0 && { tool_calls: calls.map(toCall) }),
  };
  return [
    assistant,
    ...results.map(({ call, outcome }) => ({
      role: "tool" as const,
      tool_call_id: call.toolCallId,
      content: toResultText(outcome),
    })),
  ];
}

function toContent(parts: readonly (TextPart | ImagePart)[]): string | ChatCompletionContentPart[] {
  const texts = parts.filter((part) => part.kind === "text");
  if (texts.length === parts.length) return texts.map(({ text }) => text).join("");
  return parts.map((part) =>
    part.kind === "text"
      ? { type: "text", text: part.text }
      : { type: "image_url", image_url: { url: `data:${part.mediaType};base64,${part.data}` } },
  );
}

/** In the field that they came in. */
function toThoughts(parts: readonly ReasoningPart[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const { opaque, text } of parts) {
    const field =
      typeof opaque === "object" && opaque !== null && "field" in opaque
        ? opaque["field"]
        : undefined;
    if (field !== "reasoning_content" && field !== "reasoning") continue;
    fields[field] = (fields[field] ?? "") + text;
  }
  return fields;
}

type WireCall = NonNullable<ChatCompletionAssistantMessageParam["tool_calls"]>[number];

function toCall({ toolCallId, name, input }: ToolCallPart): WireCall {
  return {
    id: toolCallId,
    type: "function",
    function: { name: toWireName(name), arguments: JSON.stringify(input) },
  };
}
