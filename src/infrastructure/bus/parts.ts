import { z } from "zod";

/** A part of a message that no payload holds as a whole. */
const Part = z.object({
  /** Tells the messages of one sender apart. */
  of: z.int().min(0),
  at: z.int().min(0),
  count: z.int().min(1).max(4_096),
  /** Base64: a part may end in the middle of a character. */
  data: z.string(),
});
type Part = Readonly<z.output<typeof Part>>;

/** More senders than that do not send parts at one time. */
const MAX_SENDERS = 1_000;
const FRAME_BYTES = Buffer.byteLength(
  JSON.stringify({ of: 2 ** 40, at: 4_096, count: 4_096, data: "" }),
);

/** Cuts a text into parts that are, as JSON, at most `maxBytes` long each. */
export function cutIntoParts(text: string, of: number, maxBytes: number): string[] {
  const bytes = Buffer.from(text);
  const each = Math.floor((maxBytes - FRAME_BYTES) / 4) * 3;
  const count = Math.ceil(bytes.length / each);
  return Array.from({ length: count }, (_, at) => {
    const data = bytes.subarray(at * each, (at + 1) * each).toString("base64");
    return JSON.stringify({ of, at, count, data } satisfies Part);
  });
}

/** Puts together what senders cut. Where a part is missing, the whole is. */
export class PartJoiner {
  readonly #begun = new Map<string, { readonly of: number; readonly parts: string[] }>();

  /** The whole text, with its last part. */
  take(sender: string, raw: unknown): string | undefined {
    const part = Part.safeParse(raw).data;
    if (part === undefined) return undefined;
    const known = this.#begun.get(sender);
    const parts = part.at === 0 ? [] : known?.of === part.of ? known.parts : undefined;
    this.#begun.delete(sender);
    if (parts?.length !== part.at) return undefined;
    parts.push(part.data);
    if (parts.length === part.count) {
      return Buffer.concat(parts.map((data) => Buffer.from(data, "base64"))).toString();
    }
    if (this.#begun.size >= MAX_SENDERS) this.#begun.clear();
    this.#begun.set(sender, { of: part.of, parts });
    return undefined;
  }
}
