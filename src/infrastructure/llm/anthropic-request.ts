import type {
  CacheControlEphemeral,
  ContentBlockParam,
  MessageCreateParamsStreaming,
  MessageParam,
  TextBlockParam,
  Tool,
} from "@anthropic-ai/sdk/resources/messages";
import type { LlmRequest } from "#application/ports/llm.ts";
import type { ImagePart, ReasoningPart, TextPart, ToolCallPart } from "#domain/message/message.ts";
import { toThinking } from "./anthropic-thinking.ts";
import { type Passage, type ToolResult, toPassages, toResultText } from "./conversation.ts";
import { toWireName, toWireTools } from "./tool-names.ts";

/** The service wants a limit; as much as each of its models can write. */
const MAX_TOKENS = 32_000;
/** How many of the last messages end a part of the prompt that is kept in the cache. */
const CACHED_ENDS = 2;
const KEPT: CacheControlEphemeral = { type: "ephemeral" };

export interface AnthropicRequestOptions {
  readonly model: string;
  readonly provider: string;
}

/** A request of the Messages API. Its tools, its system prompt and its last messages are cached. */
export function toAnthropicRequest(
  request: LlmRequest,
  { model, provider }: AnthropicRequestOptions,
): MessageCreateParamsStreaming {
  const { system, messages, reasoning, maxOutputTokens = MAX_TOKENS } = request;
  const wants = (part: ReasoningPart) =>
    part.provider === provider && toThought(part) !== undefined;
  const tools = toWireTools(request.skills).map(toTool);
  const last = tools.at(-1);
  if (last !== undefined) last.cache_control = KEPT;
  return {
    model,
    max_tokens: maxOutputTokens,
    messages: markEnds(toPassages(messages, wants).flatMap(toParams)),
    ...(system.trim() !== "" && { system: [{ type: "text", text: system, cache_control: KEPT }] }),
    ...(tools.length > 0 && { tools }),
    ...(reasoning !== undefined && toThinking({ model, reasoning, maxTokens: maxOutputTokens })),
    stream: true,
  };
}

function toTool({ name, description, inputSchema }: ReturnType<typeof toWireTools>[number]): Tool {
  return { name, description, input_schema: inputSchema as unknown as Tool.InputSchema };
}

function toParams(passage: Passage): MessageParam[] {
  if (passage.kind === "user") {
    return [{ role: "user", content: passage.parts.map(toUserBlock) }];
  }
  const assistant: MessageParam = {
    role: "assistant",
    content: passage.parts.flatMap((part) => toAssistantBlock(part) ?? []),
  };
  if (passage.results.length === 0) return [assistant];
  return [assistant, { role: "user", content: passage.results.map(toResultBlock) }];
}

function toUserBlock(part: TextPart | ImagePart): ContentBlockParam {
  if (part.kind === "text") return { type: "text", text: part.text };
  const { mediaType, data } = part;
  return { type: "image", source: { type: "base64", media_type: mediaType, data } };
}

function toAssistantBlock(
  part: TextPart | ReasoningPart | ToolCallPart,
): ContentBlockParam | undefined {
  switch (part.kind) {
    // The service refuses white space at the end of what it said itself.
    case "text":
      return { type: "text", text: part.text.trimEnd() };
    case "reasoning":
      return toThought(part);
    case "tool-call":
      return {
        type: "tool_use",
        id: part.toolCallId,
        name: toWireName(part.name),
        input: part.input,
      };
    default:
      return part satisfies never;
  }
}

/** As it came: the service knows its own thoughts by their signature. */
function toThought({ text, opaque }: ReasoningPart): ContentBlockParam | undefined {
  if (typeof opaque !== "object" || opaque === null) return undefined;
  if ("signature" in opaque && typeof opaque["signature"] === "string") {
    return { type: "thinking", thinking: text, signature: opaque["signature"] };
  }
  if ("redacted" in opaque && typeof opaque["redacted"] === "string") {
    return { type: "redacted_thinking", data: opaque["redacted"] };
  }
  return undefined;
}

function toResultBlock({ call, outcome }: ToolResult): ContentBlockParam {
  return {
    type: "tool_result",
    tool_use_id: call.toolCallId,
    content: toResultText(outcome),
    ...(outcome.kind === "error" && { is_error: true }),
  };
}

/** The next request begins as this one: what it has in common with it ends at such a place. */
function markEnds(messages: MessageParam[]): MessageParam[] {
  const ends = messages.filter(({ role }) => role === "user").slice(-CACHED_ENDS);
  for (const { content } of ends) {
    const block = typeof content === "string" ? undefined : content.at(-1);
    if (block !== undefined) (block as TextBlockParam).cache_control = KEPT;
  }
  return messages;
}
