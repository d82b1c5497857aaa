import type { z } from "zod";
import { describeIssues } from "../../runtime/describe-issues.ts";
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
  const parsed = schema.safeParse(raw);
  if (parsed.success) return { kind: "ok", value: parsed.data };
  return {
    kind: "faulty",
    faults: describeIssues(parsed.error, raw).map(({ path, found, expected }) => ({
      file,
      path: formatPath(path),
      ...(found.kind === "unknown-property"
        ? { found: "an unknown property", expected: "none but those of docs/skills.md" }
        : { found: quote(found.value), expected }),
    })),
  };
}

/** Writes a path as people do: `tools[0].input.type`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./u, "");
}
