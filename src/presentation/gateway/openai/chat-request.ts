import { z } from "zod";
import type { Transcript } from "#domain/transcript/transcript.ts";
import { expecting } from "../frames.ts";
import {
  always,
  BadRequest,
  ImageReader,
  isList,
  MAX_ITEMS,
  ModelName,
  refuseUnsupported,
  Text,
  toTranscript,
  type WrittenMessage,
} from "./request-parts.ts";

const CONTENT_FORM = "text, or parts of the type text or image_url";
const Part = z.looseObject({
  type: z.string(expecting(CONTENT_FORM)),
  text: Text.optional(),
  refusal: Text.optional(),
  image_url: z.looseObject({ url: z.string(expecting("a data URL")) }).optional(),
});
const Message = z.looseObject({
  role: z.string(expecting("a role")),
  content: z.union([Text, z.array(Part)], expecting(CONTENT_FORM)).nullish(),
});

export const ChatBody = z.looseObject({
  model: ModelName,
  messages: z
    .array(Message, expecting("messages"))
    .min(1, expecting("one message or more"))
    .max(MAX_ITEMS, expecting(`at most ${MAX_ITEMS} messages`)),
  stream: z.boolean(expecting("true or false")).nullish(),
  stream_options: z
    .looseObject({ include_usage: z.boolean(expecting("true or false")).nullish() })
    .nullish(),
});
export type ChatBody = Readonly<z.output<typeof ChatBody>>;

export interface ChatRequest {
  readonly model: string;
  readonly isStream: boolean;
  readonly wantsUsage: boolean;
  readonly transcript: Transcript;
}

const UNSUPPORTED = {
  tools: isList,
  functions: isList,
  tool_choice: (value: unknown) => value !== "none" && value !== "auto",
  function_call: (value: unknown) => value !== "none" && value !== "auto",
  n: (value: unknown) => value !== 1,
  logprobs: (value: unknown) => value !== false,
  stop: isList,
  response_format: (value: unknown) => typeOf(value) !== "text",
  modalities: (value: unknown) => !Array.isArray(value) || value.some((each) => each !== "text"),
  audio: always,
  web_search_options: always,
};

/** What a request asks for. Throws `BadRequest` where that cannot be had here. */
export function readChatRequest(body: ChatBody): ChatRequest {
  refuseUnsupported(body, UNSUPPORTED);
  const images = new ImageReader();
  const messages = body.messages.map((message, at) => readMessage(message, at, images));
  return {
    model: body.model,
    isStream: body.stream === true,
    wantsUsage: body.stream_options?.include_usage === true,
    transcript: toTranscript(messages, "messages"),
  };
}

function readMessage(
  { role, content, ...more }: ChatBody["messages"][number],
  at: number,
  reader: ImageReader,
): WrittenMessage {
  const param = `messages[${at}]`;
  if (role !== "system" && role !== "developer" && role !== "user" && role !== "assistant") {
    const message = `Cannot take a message of the role "${role.slice(0, 40)}": expected system, developer, user or assistant`;
    throw new BadRequest(`${param}.role`, message);
  }
  if (isList(more["tool_calls"] ?? [])) {
    const message = "Cannot take calls of a client's tools: expected none";
    throw new BadRequest(`${param}.tool_calls`, message, "unsupported-parameter");
  }
  if (typeof content === "string") return { role, text: content, images: [] };
  const parts = content ?? [];
  const texts = parts.map(({ type, text, refusal, image_url: image }) => {
    if (type === "text" && text !== undefined) return text;
    if (type === "refusal" && refusal !== undefined) return refusal;
    if (type === "image_url" && image !== undefined && role === "user") return "";
    throw new BadRequest(`${param}.content`, `Cannot read a part: expected ${CONTENT_FORM}`);
  });
  const urls = parts.flatMap(({ image_url: image }) => (image === undefined ? [] : [image.url]));
  const images = urls.map((url) => reader.read(url, `${param}.content`));
  return { role, text: texts.join(""), images };
}

function typeOf(value: unknown): unknown {
  return typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
}
