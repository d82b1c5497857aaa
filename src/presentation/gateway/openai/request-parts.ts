import { z } from "zod";
import type { ImagePart } from "#domain/message/message.ts";
import { joinSpoken, type SpokenMessage, type Transcript } from "#domain/transcript/transcript.ts";
import type { JsonBounds } from "../bounded-json.ts";
import { expecting, MAX_TEXT_CHARS } from "../frames.ts";
import { MAX_IMAGES, readImageUrl } from "../image-input.ts";
import type { GatewayDeps } from "../use-cases.ts";
import type { OpenAiRefusal } from "./openai-error.ts";

/*
 * What the two protocols' requests have in common. Their fields are many and grow: those that are
 * not named here are left alone, as OpenAI's own compatible services do.
 */

/** Long conversations have pictures in them; a text of this length would be read in no time. */
export const MAX_OPENAI_BODY_BYTES = 8_388_608;
export const OPENAI_BOUNDS: JsonBounds = { depth: 32, values: 100_000 };
const MAX_MESSAGES = 2_000;
const MAX_TRANSCRIPT_CHARS = 2_097_152;

export const ModelName = z
  .string(expecting("the name of a model"))
  .min(1, expecting("the name of a model"))
  .max(200, expecting("the name of a model"));

export const Text = z
  .string(expecting("text"))
  .refine(
    (text) => text.isWellFormed() && !text.includes("\0"),
    expecting("text without U+0000 and halves of surrogate pairs"),
  );

export const MAX_ITEMS = MAX_MESSAGES;

/** Asks for no certain model: the session's own, or else the default one, answers. */
const ANY_MODEL = "nexflow";

type Models = Pick<GatewayDeps, "judgeModel" | "listModels">;

/** What people are shown as models. */
export function listModelNames(deps: Models): readonly string[] {
  return [ANY_MODEL, ...deps.listModels()];
}

/** Whether it may stand in a request as its model. */
export function isModelName(name: string, deps: Models): boolean {
  return name === ANY_MODEL || deps.judgeModel(name) === "allowed";
}

/** The model that a request wants, as the agent takes it. */
export function toModelChoice(name: string): { readonly model?: string } {
  return name === ANY_MODEL ? {} : { model: name };
}

export class BadRequest extends Error {
  readonly refusal: OpenAiRefusal;

  constructor(param: string, message: string, code = "bad-frame") {
    super(message);
    this.refusal = { status: 400, code, message, param };
  }
}

/** Fields that change what an answer is, so that to leave them alone would be to answer wrongly. */
export function refuseUnsupported(
  body: object,
  unsupported: Readonly<Record<string, (value: unknown) => boolean>>,
): void {
  for (const [name, value] of Object.entries(body)) {
    if (value === null || unsupported[name]?.(value) !== true) continue;
    const reason = REASONS[name] ?? "it is not supported";
    throw new BadRequest(name, `Cannot answer with "${name}": ${reason}`, "unsupported-parameter");
  }
}

const OWN_TOOLS =
  "the agent calls its own tools, under its policies, and shows none of a client's to the model";
const REASONS: Readonly<Record<string, string>> = {
  tools: OWN_TOOLS,
  functions: OWN_TOOLS,
  tool_choice: OWN_TOOLS,
  function_call: OWN_TOOLS,
  n: "there is one answer, expected 1",
  conversation: "expected previous_response_id, or a new conversation",
};

export function isList(value: unknown): boolean {
  return !Array.isArray(value) || value.length > 0;
}

export const always = () => true;

export interface WrittenMessage {
  readonly role: "assistant" | "developer" | "system" | "user";
  readonly text: string;
  readonly images: readonly ImagePart[];
}

/**
 * The conversation of these messages. What the program tells the model in roles of its own are
 * instructions, wherever they stand. Throws `BadRequest` where it does not end with the user.
 */
export function toTranscript(
  messages: readonly WrittenMessage[],
  param: string,
  more = "",
): Transcript {
  const isInstruction = ({ role }: WrittenMessage) => role === "system" || role === "developer";
  const instructions = [more, ...messages.filter(isInstruction).map(({ text }) => text)];
  const spoken = messages.flatMap(({ role, text, images }): SpokenMessage[] =>
    role === "user" || role === "assistant" ? [{ role, text, images }] : [],
  );
  const joined = joinSpoken(spoken);
  const last = joined.at(-1);
  if (last?.role !== "user") {
    throw new BadRequest(param, "Cannot answer: expected the last message to be the user's");
  }
  if (last.text === "") {
    throw new BadRequest(param, "Cannot answer: expected text in the user's last message");
  }
  if (last.text.length > MAX_TEXT_CHARS) {
    const message = `Cannot take the message: expected at most ${MAX_TEXT_CHARS} characters`;
    throw new BadRequest(param, message, "string_above_max_length");
  }
  const transcript = {
    instructions: instructions.filter((text) => text !== "").join("\n\n"),
    messages: joined,
  };
  const chars = joined.reduce((sum, { text }) => sum + text.length, transcript.instructions.length);
  if (chars > MAX_TRANSCRIPT_CHARS) {
    const message = `Cannot take the conversation: expected at most ${MAX_TRANSCRIPT_CHARS} characters`;
    throw new BadRequest(param, message, "context_length_exceeded");
  }
  return transcript;
}

/** Reads the pictures of a request, whose number is bounded all together. */
export class ImageReader {
  #count = 0;

  read(url: string, param: string): ImagePart {
    this.#count += 1;
    if (this.#count > MAX_IMAGES) {
      const message = `Cannot take so many pictures: expected at most ${MAX_IMAGES} in a request`;
      throw new BadRequest(param, message, "too-many-images");
    }
    const read = readImageUrl(url);
    if (read.kind === "ok") return read.image;
    throw new BadRequest(param, `Cannot read the picture: ${read.message}`, "invalid-image");
  }
}
