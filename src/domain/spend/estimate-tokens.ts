import type { Message, MessagePart } from "../message/message.ts";
import { oncePer } from "../shared/once-per.ts";
import type { Skill } from "../skill/skill.ts";
import { toolNameOf } from "../skill/tool-name.ts";

/** How many tokens a text takes, exactly or about. */
export type CountTokens = (text: string) => number;

const TOKENS_PER_MESSAGE = 4;
/** What services count for a picture of common size, about: a screen or a photo. */
const TOKENS_PER_IMAGE = 1_500;
const CHARS_PER_TOKEN = 4;
/** So that Chinese comes to one token for each character, Cyrillic to one for two. */
const TOKENS_PER_EXTRA_BYTE = 3 / 8;

/**
 * About how many tokens a text takes, from its length alone: four characters of English are one
 * token in the common byte-pair encodings. Off by a factor of two for what is neither words nor
 * code, as base64; within a third for what people write.
 */
export function estimateTokens(text: string): number {
  return Math.ceil(weighTokens(text));
}

/** The same with its fraction: for texts that come in pieces, rounded when all are there. */
export function weighTokens(text: string): number {
  const extraBytes = Buffer.byteLength(text) - text.length;
  return text.length / CHARS_PER_TOKEN + extraBytes * TOKENS_PER_EXTRA_BYTE;
}

/** How many tokens a message takes when its texts are counted by `count`. */
export function countMessage(
  { parts }: Pick<Message, "parts">,
  count: CountTokens,
  imageTokens = TOKENS_PER_IMAGE,
): number {
  return parts.reduce((sum, part) => sum + countPart(part, count, imageTokens), TOKENS_PER_MESSAGE);
}

/** All that a model is given to read. */
export interface ModelInput {
  readonly system: string;
  readonly messages: readonly Message[];
  /** What it may call. */
  readonly skills: readonly Skill[];
}

/** The same of a request. */
export function countInput(
  { system, messages, skills }: ModelInput,
  count: CountTokens,
  imageTokens = TOKENS_PER_IMAGE,
): number {
  const tokens = messages.map((message) => countMessage(message, count, imageTokens));
  const tools = skills.map((skill) => countTools(skill, count));
  return [...tokens, ...tools].reduce((sum, each) => sum + each, count(system));
}

/** The same of a skill's tools, as models are told of them. */
export function countTools(skill: Skill, count: CountTokens): number {
  return count(toldOf(skill));
}

const toldOf = oncePer(({ name: skill, tools }: Skill) => {
  const told = tools.map(({ name, description, inputSchema }) => {
    return { name: toolNameOf(skill, name), description, inputSchema };
  });
  return JSON.stringify(told);
});

function countPart(part: MessagePart, count: CountTokens, imageTokens: number): number {
  switch (part.kind) {
    case "text":
      return count(part.text);
    case "reasoning":
      return (
        count(part.text) + (part.opaque === undefined ? 0 : count(JSON.stringify(part.opaque)))
      );
    case "image":
      return imageTokens;
    case "tool-call":
      return count(part.name) + count(JSON.stringify(part.input));
    case "tool-result":
      return count(JSON.stringify(part.outcome));
    default:
      return part satisfies never;
  }
}
