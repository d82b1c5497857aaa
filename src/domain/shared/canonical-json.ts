import type { JsonValue } from "./json.ts";

/**
 * The one text of a JSON value, after RFC 8785 (JCS): no white space, names of an object sorted by
 * their UTF-16 code units, numbers and strings as ECMAScript writes them. Throws `RangeError` where
 * a number is not finite.
 */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new RangeError(`Cannot write ${value} as JSON: expected a finite number`);
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.entries(value)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
