import { z } from "zod";
import { expecting } from "./frames.ts";

const EXPECTED = "the nextCursor of an earlier answer";

/** One page of a list, and where the next one begins where there is one. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string;
}

/** A query's `cursor`: the key of the last item that the page before had. */
export function cursorOf<Key>(key: z.ZodType<Key>) {
  return z
    .string(expecting(EXPECTED))
    .regex(/^[\w-]{1,512}$/u, expecting(EXPECTED))
    .transform((text, context) => {
      const parsed = key.safeParse(decode(text));
      if (parsed.success) return parsed.data;
      context.addIssue({ code: "custom", message: EXPECTED });
      return z.NEVER;
    });
}

/** The first `limit` of `found`, which holds one more where the list goes on. */
export function toPage<Item>(
  found: readonly Item[],
  limit: number,
  keyOf: (item: Item) => unknown,
): Page<Item> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  if (found.length <= limit || last === undefined) return { items };
  return { items, nextCursor: encode(keyOf(last)) };
}

/** A list that is read from its end: the last `limit` of `found`, and where older ones begin. */
export function toLastPage<Item>(
  found: readonly Item[],
  limit: number,
  keyOf: (item: Item) => unknown,
): Page<Item> {
  const { nextCursor } = toPage(found.toReversed(), limit, keyOf);
  return { items: found.slice(-limit), ...(nextCursor === undefined ? {} : { nextCursor }) };
}

function encode(key: unknown): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

function decode(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString());
  } catch {
    return undefined;
  }
}
