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

const PARTS_FORM = "text, or parts of the type input_text, output_text or input_image";
const ITEM_FORM = "items of the type message or item_reference";
const Part = z.looseObject({
  type: z.string(expecting(PARTS_FORM)),
  text: Text.optional(),
  refusal: Text.optional(),
  image_url: z.string(expecting("a data URL")).nullish(),
});
const Item = z.looseObject({
  type: z.string(expecting(ITEM_FORM)).nullish(),
  role: z.string(expecting("a role")).optional(),
  content: z.union([Text, z.array(Part)], expecting(PARTS_FORM)).optional(),
  id: z.string(expecting("an id")).nullish(),
});
const flag = z.boolean(expecting("true or false")).nullish();

export const ResponsesBody = z.looseObject({
  model: ModelName,
  input: z.union(
    [Text, z.array(Item).min(1).max(MAX_ITEMS)],
    expecting(`text, or up to ${MAX_ITEMS} ${ITEM_FORM}`),
  ),
  instructions: Text.nullish(),
  previous_response_id: z.string(expecting("the id of a response")).nullish(),
  stream: flag,
  background: flag,
  store: flag,
  metadata: z.record(z.string(), z.string(), expecting("texts by name")).nullish(),
});
export type ResponsesBody = Readonly<z.output<typeof ResponsesBody>>;

/** The text behind an `item_reference`: what the agent said in an earlier response. */
export type FindItem = (itemId: string) => Promise<string | undefined>;

const UNSUPPORTED = {
  tools: isList,
  tool_choice: (value: unknown) => value !== "none" && value !== "auto",
  conversation: always,
  prompt: always,
  text: (value: unknown) => !isPlainText(value),
};

/** The conversation that a request brings along. Throws `BadRequest` where there is none to answer. */
export async function readResponsesRequest(
  body: ResponsesBody,
  findItem: FindItem,
): Promise<Transcript> {
  refuseUnsupported(body, UNSUPPORTED);
  const { input } = body;
  const instructions = body.instructions ?? "";
  if (typeof input === "string") {
    return toTranscript([{ role: "user", text: input, images: [] }], "input", instructions);
  }
  const images = new ImageReader();
  const messages: WrittenMessage[] = [];
  for (const [at, item] of input.entries()) {
    const message = await readItem(item, `input[${at}]`, { images, findItem });
    if (message !== undefined) messages.push(message);
  }
  return toTranscript(messages, "input", instructions);
}

type Item = z.output<typeof Item>;

async function readItem(
  item: Item,
  param: string,
  { images, findItem }: { readonly images: ImageReader; readonly findItem: FindItem },
): Promise<WrittenMessage | undefined> {
  const type = item.type ?? "message";
  // What a model thought is with the session; a client has no more of it than an outline.
  if (type === "reasoning") return undefined;
  if (type === "item_reference") {
    if (item.id?.startsWith("rs_") === true) return undefined;
    const text = await findItem(item.id ?? "");
    if (text !== undefined) return { role: "assistant", text, images: [] };
    throw new BadRequest(`${param}.id`, "Cannot find this item", "not-found");
  }
  if (type === "message" && item.content !== undefined) return readMessage(item, param, images);
  throw new BadRequest(param, `Cannot take this item: expected ${ITEM_FORM}`);
}

function readMessage({ role, content }: Item, param: string, reader: ImageReader): WrittenMessage {
  if (role !== "system" && role !== "developer" && role !== "user" && role !== "assistant") {
    const message =
      "Cannot take the message: expected the role system, developer, user or assistant";
    throw new BadRequest(`${param}.role`, message);
  }
  if (typeof content === "string") return { role, text: content, images: [] };
  const parts = content ?? [];
  const texts = parts.map(({ type, text, refusal, image_url: url }) => {
    if ((type === "input_text" || type === "output_text") && text !== undefined) return text;
    if (type === "refusal" && refusal !== undefined) return refusal;
    if (type === "input_image" && typeof url === "string" && role === "user") return "";
    throw new BadRequest(`${param}.content`, `Cannot read a part: expected ${PARTS_FORM}`);
  });
  const images = parts.flatMap(({ image_url: url }) =>
    typeof url === "string" ? [reader.read(url, `${param}.content`)] : [],
  );
  return { role, text: texts.join(""), images };
}

function isPlainText(value: unknown): boolean {
  if (typeof value !== "object" || value === null || !("format" in value)) return true;
  const { format } = value;
  return (
    typeof format === "object" && format !== null && "type" in format && format.type === "text"
  );
}
