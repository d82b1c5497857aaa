import type { ChatRequest, Tool, Message as WireMessage } from "ollama";
import type { LlmRequest } from "#application/ports/llm.ts";
import { type Passage, toPassages, toResultText } from "./conversation.ts";
import { toWireName, toWireTools } from "./tool-names.ts";

/** A request of ollama's `/api/chat`. */
export function toOllamaRequest(
  request: LlmRequest,
  { model, provider }: { readonly model: string; readonly provider: string },
): ChatRequest & { readonly stream: true } {
  const { system, messages, maxOutputTokens, reasoning } = request;
  const tools = toWireTools(request.skills).map(toTool);
  const passages = toPassages(messages, (part) => part.provider === provider);
  return {
    model,
    messages: [
      ...(system === "" ? [] : [{ role: "system", content: system }]),
      ...passages.flatMap(toMessages),
    ],
    ...(tools.length > 0 && { tools }),
    ...(maxOutputTokens !== undefined && { options: { num_predict: maxOutputTokens } }),
    ...(reasoning !== undefined && { think: reasoning === "none" ? false : reasoning }),
    stream: true,
  };
}

function toTool({ name, description, inputSchema }: ReturnType<typeof toWireTools>[number]): Tool {
  const parameters = inputSchema as unknown as NonNullable<Tool["function"]["parameters"]>;
  return { type: "function", function: { name, description, parameters } };
}

/** Calls have no ids here: a result is known by its tool's name and its place. */
function toMessages(passage: Passage): WireMessage[] {
  const { parts } = passage;
  const content = parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
  if (passage.kind === "user") {
    const images = passage.parts.flatMap((part) => (part.kind === "image" ? [part.data] : []));
    return [{ role: "user", content, ...(images.length > 0 && { images }) }];
  }
  const thinking = passage.parts
    .map((part) => (part.kind === "reasoning" ? part.text : ""))
    .join("");
  const calls = passage.parts.flatMap((part) =>
    part.kind === "tool-call"
      ? [{ function: { name: toWireName(part.name), arguments: toArguments(part.input) } }]
      : [],
  );
  return [
    {
      role: "assistant",
      content,
      ...(thinking !== "" && passage.isOfThisTurn && { thinking }),
      ...(calls.length > 0 && { tool_calls: calls }),
    },
    ...passage.results.map(({ call, outcome }) => ({
      role: "tool",
      tool_name: toWireName(call.name),
      content: toResultText(outcome),
    })),
  ];
}

/** The service takes objects only. */
function toArguments(input: unknown): Record<string, unknown> {
  const isObject = typeof input === "object" && input !== null && !Array.isArray(input);
  return isObject ? (input as Record<string, unknown>) : { input };
}
