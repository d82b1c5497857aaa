import type { JsonValue } from "../protocol.ts";

const SECRET_HEADER = "nexflow-secret";

/**
 * What the broker is asked for a request as Extism's PDKs write it: JSON with `url`, `method` and
 * `headers`, which older ones call `header`. A header `nexflow-secret: NAME, NAME` names secrets
 * for the broker to put in; it is not sent. Throws `RangeError`.
 */
export function toHttpAsk(text: string): JsonValue {
  const request = parse(text);
  const { url, method = "GET" } = request;
  if (typeof url !== "string") throw wrong("url", "a string");
  if (method !== null && typeof method !== "string") throw wrong("method", "a string");
  const headers: Record<string, string> = {};
  const secrets: string[] = [];
  for (const [name, value] of headersOf(request["headers"] ?? request["header"] ?? {})) {
    if (name.toLowerCase() === SECRET_HEADER) secrets.push(...namesIn(value));
    // Not by assignment: a header may be called "__proto__".
    else Object.defineProperty(headers, name, { value, enumerable: true });
  }
  return { url, method: method ?? "GET", headers, secrets };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return { ...value };
  } catch {
    // Told below, without the engine's words.
  }
  throw new RangeError("Cannot read an http request: expected a JSON object");
}

function headersOf(headers: unknown): readonly (readonly [string, string])[] {
  if (typeof headers !== "object" || headers === null) throw wrong("headers", "an object");
  return Object.entries(headers).map(([name, value]) => {
    if (typeof value !== "string") throw wrong("headers", "strings");
    return [name, value] as const;
  });
}

function namesIn(value: string): string[] {
  return value
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function wrong(field: string, expected: string): RangeError {
  return new RangeError(`Cannot read an http request: expected "${field}" to be ${expected}`);
}
