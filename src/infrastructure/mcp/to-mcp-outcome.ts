import type { CallToolResult } from "@modelcontextprotocol/client";
import type { ToolOutcome } from "#domain/message/message.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { MaskText } from "../telemetry/secret-masker.ts";

/** What a tool gave back, as the model is told: its structured content, else its text. */
export function toMcpOutcome(
  { content, structuredContent, isError }: CallToolResult,
  { maxBytes, mask }: { readonly maxBytes: number; readonly mask: MaskText },
): ToolOutcome {
  const text = cut(
    content
      .map(toText)
      .filter((each) => each !== "")
      .join("\n"),
    { maxBytes, mask },
  );
  if (isError === true) {
    return {
      kind: "error",
      code: "tool-error",
      message: text || "The tool failed and said no more",
    };
  }
  if (structuredContent === undefined) return { kind: "ok", output: text };
  const output = structuredContent as JsonValue;
  const bytes = Buffer.byteLength(JSON.stringify(output));
  if (bytes <= maxBytes) return { kind: "ok", output };
  const message = `The tool's result has ${bytes} bytes, expected at most ${maxBytes}`;
  return { kind: "error", code: "output-size", message };
}

type Content = CallToolResult["content"][number];

function toText(part: Content): string {
  switch (part.type) {
    case "text":
      return part.text;
    case "image":
    case "audio": {
      const bytes = Math.floor((part.data.length * 3) / 4);
      return `[${part.type} of ${bytes} bytes left out]`;
    }
    case "resource_link":
      return `[resource ${part.uri}]`;
    case "resource":
      if ("text" in part.resource) return part.resource.text;
      return `[resource ${part.resource.uri} left out: it is no text]`;
    default:
      return "[content of an unknown kind left out]";
  }
}

function cut(
  whole: string,
  { maxBytes, mask }: { readonly maxBytes: number; readonly mask: MaskText },
): string {
  if (Buffer.byteLength(whole) <= maxBytes) return whole;
  // What is short enough is masked later on, as all results are.
  const text = mask(whole);
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return text;
  const kept = Buffer.from(text)
    .subarray(0, maxBytes)
    .toString()
    .replace(/\uFFFD$/u, "");
  return `${kept}\n[cut: ${bytes - maxBytes} bytes more]`;
}
