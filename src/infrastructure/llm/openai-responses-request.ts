import type {
  FunctionTool,
  ResponseCreateParamsStreaming,
  ResponseInputContent,
  ResponseInputItem,
  ResponseReasoningItem,
} from "openai/resources/responses/responses";
import type { LlmRequest } from "#application/ports/llm.ts";
import type { ImagePart, ReasoningPart, TextPart } from "#domain/message/message.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import { oncePer } from "#domain/shared/once-per.ts";
import { type Passage, toPassages, toResultText } from "./conversation.ts";
import type { ChatRequestOptions } from "./openai-chat-request.ts";
import { canThink, toEffort } from "./openai-thinking.ts";
import { toWireName, toWireTools, type WireTool } from "./tool-names.ts";

/** A request of the Responses API, which is to keep nothing of it. */
export function toResponsesRequest(
  request: LlmRequest,
  { model, provider, isOpenAi }: ChatRequestOptions,
): ResponseCreateParamsStreaming {
  const { system, messages, maxOutputTokens, reasoning, cacheKey } = request;
  const wants = (part: ReasoningPart) =>
    part.provider === provider && toReasoningItem(part, model) !== undefined;
  const effort = toEffort(reasoning, { model, isOpenAi });
  const tools = toWireTools(request.skills).map(toTool);
  return {
    model,
    input: toPassages(messages, wants).flatMap((passage) => toItems(passage, model)),
    ...(system !== "" && { instructions: system }),
    ...(tools.length > 0 && { tools }),
    ...(maxOutputTokens !== undefined && { max_output_tokens: maxOutputTokens }),
    ...(effort !== undefined && {
      reasoning: { effort, ...(effort !== "none" && { summary: "auto" as const }) },
    }),
    ...(isOpenAi && cacheKey !== undefined && { prompt_cache_key: cacheKey }),
    // Kept by nobody, the model's thoughts come encrypted and go back with the conversation.
    store: false,
    ...(canThink(model) && { include: ["reasoning.encrypted_content" as const] }),
    stream: true,
    ...(isOpenAi && { stream_options: { include_obfuscation: false } }),
  };
}

/** What a train of thought is stored as: an item that only the model that wrote it can read. */
export function toOpaque(item: ResponseReasoningItem, model: string): JsonValue | undefined {
  const { id, summary, encrypted_content: encrypted } = item;
  if (typeof encrypted !== "string") return undefined;
  const texts = (summary ?? []).map(({ text }) => text);
  return { model, id, summary: texts, encrypted };
}

interface OpaqueReasoning {
  readonly model: string;
  readonly id: string;
  readonly summary: readonly string[];
  readonly encrypted: string;
}

function toReasoningItem(part: ReasoningPart, model: string): ResponseReasoningItem | undefined {
  const { opaque } = part;
  if (typeof opaque !== "object" || opaque === null || !("encrypted" in opaque)) return undefined;
  const { model: writtenBy, id, summary, encrypted } = opaque as unknown as OpaqueReasoning;
  if (writtenBy !== model) return undefined;
  return {
    type: "reasoning",
    id,
    summary: summary.map((text) => ({ type: "summary_text", text })),
    encrypted_content: encrypted,
  };
}

const toTool = oncePer(({ name, description, inputSchema }: WireTool): FunctionTool => {
  const parameters = inputSchema as FunctionTool["parameters"];
  return { type: "function", name, description, parameters, strict: false };
});

function toItems(passage: Passage, model: string): ResponseInputItem[] {
  if (passage.kind === "user") {
    return [{ type: "message", role: "user", content: passage.parts.map(toContent) }];
  }
  const said = passage.parts.flatMap((part): ResponseInputItem[] => {
    switch (part.kind) {
      case "text":
        return [{ type: "message", role: "assistant", content: part.text }];
      case "reasoning": {
        const item = toReasoningItem(part, model);
        return item === undefined ? [] : [item];
      }
      case "tool-call": {
        const { toolCallId, name, input } = part;
        const call = {
          call_id: toolCallId,
          name: toWireName(name),
          arguments: JSON.stringify(input),
        };
        return [{ type: "function_call", ...call }];
      }
      default:
        return part satisfies never;
    }
  });
  const results = passage.results.map(({ call, outcome }) => ({
    type: "function_call_output" as const,
    call_id: call.toolCallId,
    output: toResultText(outcome),
  }));
  return [...said, ...results];
}

function toContent(part: TextPart | ImagePart): ResponseInputContent {
  return part.kind === "text"
    ? { type: "input_text", text: part.text }
    : {
        type: "input_image",
        image_url: `data:${part.mediaType};base64,${part.data}`,
        detail: "auto",
      };
}
