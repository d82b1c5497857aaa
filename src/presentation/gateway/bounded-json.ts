import type { z } from "zod";

/** What a client wrote, either as the schema wants it or with a sentence on what is wrong. */
export type Parsed<T> =
  | { readonly kind: "ok"; readonly value: T }
  | { readonly kind: "bad"; readonly message: string; readonly raw: unknown };

export interface JsonBounds {
  readonly depth: number;
  /** Values in all, as far as commas and brackets tell. */
  readonly values: number;
}

/** Of what is no longer than a frame, no number of values takes long. */
const SMALL: JsonBounds = { depth: 8, values: Number.POSITIVE_INFINITY };

/** Parses JSON text that an outsider wrote. Never throws; what takes long is found before parsing. */
export function parseJson<T>(
  schema: z.ZodType<T>,
  text: string,
  bounds: JsonBounds = SMALL,
): Parsed<T> {
  const excess = findExcess(text, bounds);
  if (excess !== undefined) return bad(excess);
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return bad("it is not JSON, expected one JSON object");
  }
  return parseValue(schema, raw);
}

/** Parses a value that an outsider wrote. Schemas say what they expect as their error. */
export function parseValue<T>(schema: z.ZodType<T>, raw: unknown): Parsed<T> {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    return bad("it is no object, expected one JSON object");
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) return { kind: "ok", value: parsed.data };
  const [issue] = parsed.error.issues;
  return bad(issue === undefined ? "it is not as expected" : explain(issue, raw), raw);
}

function bad(message: string, raw?: unknown): Parsed<never> {
  return { kind: "bad", message, raw };
}

function explain(issue: z.core.$ZodIssue, raw: object): string {
  if (issue.code === "unrecognized_keys") {
    return `field ${quote(issue.keys[0])} is unknown, expected none of that name`;
  }
  if (issue.path.length === 0) return `it is not as expected, expected ${issue.message}`;
  const field = issue.path.map(String).join(".");
  const state = has(raw, issue.path) ? "is wrong" : "is missing";
  return `field ${quote(field)} ${state}, expected ${issue.message}`;
}

function has(raw: unknown, path: readonly PropertyKey[]): boolean {
  const [name, ...rest] = path;
  if (name === undefined) return true;
  if (typeof raw !== "object" || raw === null || !Object.hasOwn(raw, name)) return false;
  return has((raw as Readonly<Record<PropertyKey, unknown>>)[name], rest);
}

function quote(text: string | undefined): string {
  return JSON.stringify((text ?? "").slice(0, 64));
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];

/** `JSON.parse` needs milliseconds for 64 KiB of brackets; this needs microseconds. */
function findExcess(text: string, { depth: maxDepth, values: maxValues }: JsonBounds) {
  let depth = 0;
  let values = 0;
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charCodeAt(i);
    if (char === QUOTE) i = endOfString(text, i + 1);
    else if (char === COMMA) values += 1;
    else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      depth += 1;
      values += 1;
      if (depth > maxDepth) {
        return `it is nested too deeply, expected at most ${maxDepth} levels`;
      }
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) depth -= 1;
    if (values > maxValues) return `it has too many values, expected at most ${maxValues}`;
  }
  return undefined;
}

/** Where the string that begins at `start` has its last quote; the text's end where it has none. */
function endOfString(text: string, start: number): number {
  let end = start - 1;
  for (;;) {
    end = text.indexOf('"', end + 1);
    if (end === -1) return text.length;
    let backslashes = 0;
    while (end - backslashes > start && text.charCodeAt(end - backslashes - 1) === BACKSLASH) {
      backslashes += 1;
    }
    if (backslashes % 2 === 0) return end;
  }
}
