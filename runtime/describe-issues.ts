import type { z } from "zod";

/** One thing that a schema finds wrong in a document. */
export interface SchemaFault {
  readonly path: readonly PropertyKey[];
  readonly found:
    | { readonly kind: "unknown-property" }
    /** The last name of `path` cannot be one. */
    | { readonly kind: "name"; readonly value: string }
    | { readonly kind: "value"; readonly value: unknown };
  /** What should stand there, as in "at least 1"; nothing is said of an unknown property. */
  readonly expected: string;
}

/** What `error` says about the document `raw`, for messages to people. */
export function describeIssues(error: z.ZodError, raw: unknown): readonly SchemaFault[] {
  return error.issues.flatMap((issue): readonly SchemaFault[] => {
    const { path } = issue;
    if (issue.code === "unrecognized_keys") {
      const found = { kind: "unknown-property" } as const;
      return issue.keys.map((key) => ({ path: [...path, key], found, expected: "" }));
    }
    const found =
      issue.code === "invalid_key"
        ? ({ kind: "name", value: String(path.at(-1)) } as const)
        : ({ kind: "value", value: valueAt(raw, path) } as const);
    return [{ path, found, expected: expectedBy(issue) }];
  });
}

/** Schemas may say in their messages what they expect; the rest is told from the kind of issue. */
function expectedBy(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `a value of type ${issue.expected}`;
    case "invalid_value":
      return `one of ${issue.values.map((value) => JSON.stringify(value)).join(", ")}`;
    case "too_small":
      return `at least ${issue.minimum}${unitOf(issue.origin)}`;
    case "too_big":
      return `at most ${issue.maximum}${unitOf(issue.origin)}`;
    case "invalid_key":
      return issue.issues.map(expectedBy).join(", ");
    case "invalid_union":
      return issue.message === UNSAID ? alternatives(issue) : said(issue);
    case "custom":
    case "invalid_element":
    case "invalid_format":
    case "not_multiple_of":
    case "unrecognized_keys":
      return said(issue);
    default:
      return issue satisfies never;
  }
}

/** What zod says of a union whose schema has no message. */
const UNSAID = "Invalid input";

function alternatives({ errors }: Extract<z.core.$ZodIssue, { code: "invalid_union" }>): string {
  const each = errors.map((issues) => issues.map(expectedBy).join(", "));
  return [...new Set(each)].join(" or ");
}

function said({ message }: z.core.$ZodIssue): string {
  return message.replace(/^(?:Invalid input: )?expected /u, "").replace(/^Invalid /u, "a valid ");
}

function unitOf(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " entries" : "";
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}
