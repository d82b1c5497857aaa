import type { z } from "zod";
import { type FormatFault, quote } from "./skill-format-error.ts";

export type Parsed<T> =
  | { readonly kind: "ok"; readonly value: T }
  | { readonly kind: "faulty"; readonly faults: readonly FormatFault[] };

/** Checks `raw` from `file` against `schema`; each fault says what stands there and what should. */
export function parseStrict<S extends z.ZodType>(
  schema: S,
  raw: unknown,
  file: string,
): Parsed<z.output<S>> {
  const parsed = schema.safeParse(raw, { reportInput: true });
  if (parsed.success) return { kind: "ok", value: parsed.data };
  return {
    kind: "faulty",
    faults: parsed.error.issues.flatMap((issue) => toFaults(issue, raw, file)),
  };
}

/** Writes a path as people do: `tools[0].input.type`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./u, "");
}

function toFaults(issue: z.core.$ZodIssue, raw: unknown, file: string): readonly FormatFault[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      file,
      path: formatPath([...path, key]),
      found: "an unknown property",
      expected: "none but those of docs/skills.md",
    }));
  }
  const found = quote(valueAt(raw, path));
  return [{ file, path: formatPath(path), found, expected: expectedBy(issue) }];
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** Schemas may say in their messages what they expect; the rest is told from the kind of issue. */
function expectedBy(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return `a value of type ${issue.expected}`;
  if (issue.code === "invalid_value") return `one of ${issue.values.map(quote).join(", ")}`;
  if (issue.code === "too_small") return `at least ${issue.minimum}${unitOf(issue.origin)}`;
  if (issue.code === "too_big") return `at most ${issue.maximum}${unitOf(issue.origin)}`;
  return issue.message.replace(/^expected /u, "");
}

function unitOf(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " entries" : "";
}
