import { escapeUnseen } from "#domain/shared/unseen.ts";

const MAX_GIST_CHARS = 120;

/** JSON laid out for reading; what is not JSON (yet) is shown as it is. */
export function prettyJson(json: string): string {
  const value = parse(json);
  return value === undefined ? json : JSON.stringify(value, null, 2);
}

const ESCAPE = /\\(?:u[0-9a-f]{4}|.)/gu;

/**
 * A value as JSON in which nothing hides: what cannot be seen is written as an escape. Lines of a
 * text stand on lines of their own, each behind the escape that ends it.
 */
export function toOpenJson(value: unknown): string {
  const json = JSON.stringify(value, null, 2) ?? "null";
  return escapeUnseen(json.replace(ESCAPE, (escape) => (escape === "\\n" ? "\\n\n" : escape)));
}

/** JSON on one short line: the only value of an object, else all of it. */
export function summarize(json: string): string {
  const value = parse(json);
  const values = typeof value === "object" && value !== null ? Object.values(value) : [];
  const gist: unknown = values.length === 1 ? values[0] : value;
  const text = typeof gist === "string" ? gist : (JSON.stringify(gist) ?? json);
  const line = text.replace(/\s+/gu, " ").trim();
  return line.length > MAX_GIST_CHARS ? `${line.slice(0, MAX_GIST_CHARS - 1)}…` : line;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
