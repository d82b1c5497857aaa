import type { z } from "zod";
import { placeOf, type TextPlaces } from "./text-places.ts";

/** One thing that is wrong in a policy file. */
export interface PolicyFault {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Where in the document, as in "ceiling.wallMs"; empty for the file itself. */
  readonly path: string;
  /** What was found and what was expected. */
  readonly message: string;
}

/** Policies that cannot be used: the message names each fault's file, line, column and place. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
  readonly faults: readonly PolicyFault[];

  constructor(message: string, faults: readonly PolicyFault[] = [], options?: ErrorOptions) {
    super([message, faults.map(formatFault).join("; ")].filter(Boolean).join(": "), options);
    this.faults = faults;
  }
}

export function formatFault({ file, line, column, path, message }: PolicyFault): string {
  return `${file}:${line}:${column}: ${path === "" ? "" : `${path}: `}${message}`;
}

/** What `error` says about the document `raw` of `file`, in the order of its lines. */
export function toPolicyFaults(
  error: z.ZodError,
  document: { readonly raw: unknown; readonly file: string; readonly places: TextPlaces },
): readonly PolicyFault[] {
  const { raw, file, places } = document;
  const faults = error.issues.flatMap((issue) => describeIssue(issue, raw));
  return faults
    .map(({ path, message }) => ({
      file,
      ...placeOf(places, path),
      path: path.map(String).join("."),
      message,
    }))
    .toSorted((one, other) => one.line - other.line || one.column - other.column);
}

interface Described {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function describeIssue(issue: z.core.$ZodIssue, raw: unknown): readonly Described[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    const message = "unknown property, expected none but those of README.md";
    return issue.keys.map((key) => ({ path: [...path, key], message }));
  }
  // zod begins with what kind of fault it is: "Invalid input: expected number, received string".
  const expected = issue.message
    .replace(/^(?:Invalid input|Invalid option|Too small|Too big): /u, "")
    .replace(/, received .*$/u, "");
  if (issue.code === "invalid_key") {
    const inner = issue.issues.map(({ message }) => message).join(", ");
    return [{ path, message: inner }];
  }
  return [{ path, message: `found ${quote(valueAt(raw, path))}, ${expected}` }];
}

const MAX_QUOTED_CHARS = 80;

function quote(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length <= MAX_QUOTED_CHARS ? text : `${text.slice(0, MAX_QUOTED_CHARS)}...`;
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}
