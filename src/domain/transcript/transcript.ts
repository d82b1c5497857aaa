import type { ImagePart } from "../message/message.ts";
import { canonicalJson } from "../shared/canonical-json.ts";

/** A conversation as a program tells it that keeps it itself, oldest message first. */
export interface Transcript {
  /** What the program wants of every answer; empty where it wants nothing. */
  readonly instructions: string;
  readonly messages: readonly SpokenMessage[];
}

export interface SpokenMessage {
  readonly role: "user" | "assistant";
  readonly text: string;
  readonly images: readonly ImagePart[];
}

/** Makes one message of those that follow each other in one role: programs cut them as they like. */
export function joinSpoken(messages: readonly SpokenMessage[]): readonly SpokenMessage[] {
  const joined: SpokenMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    if (last?.role !== message.role) joined.push(message);
    else {
      const text = [last.text, message.text].filter((each) => each !== "").join("\n\n");
      joined[joined.length - 1] = { ...last, text, images: [...last.images, ...message.images] };
    }
  }
  return joined;
}

/** The text of a transcript by which the same one is known again; space at the ends is nothing. */
export function canonicalTranscript({ instructions, messages }: Transcript): string {
  const spoken = messages.map(({ role, text, images }) => [
    role,
    text.trim(),
    ...images.map(({ data }) => data),
  ]);
  return canonicalJson([instructions.trim(), ...spoken]);
}
