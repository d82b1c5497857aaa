import { createHash } from "node:crypto";
import type { JsonValue } from "../protocol.ts";

/** sha256 in hex of the canonical text of `value` and, where given, of the bytes after it. */
export function hashJson(value: JsonValue, bytes?: Uint8Array): string {
  const hash = createHash("sha256").update(toCanonicalJson(value));
  return (bytes === undefined ? hash : hash.update(bytes)).digest("hex");
}

/** JSON text that is the same for equal values: keys in order, no space. */
function toCanonicalJson(value: JsonValue): string {
  return JSON.stringify(value, (_key, item: JsonValue) => {
    if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(
      Object.entries(item).toSorted(([one], [other]) => (one < other ? -1 : 1)),
    );
  });
}
