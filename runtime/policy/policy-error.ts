import type { z } from "zod";
import { describeIssues } from "../describe-issues.ts";
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
  return describeIssues(error, raw)
    .map(({ path, found, expected }) => ({
      file,
      ...placeOf(places, path),
      path: path.map(String).join("."),
      message:
        found.kind === "unknown-property"
          ? "unknown property, expected none but those of README.md"
          : `found ${quote(found.value)}, expected ${expected}`,
    }))
    .toSorted((one, other) => one.line - other.line || one.column - other.column);
}

const MAX_QUOTED_CHARS = 80;

function quote(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length <= MAX_QUOTED_CHARS ? text : `${text.slice(0, MAX_QUOTED_CHARS)}...`;
}
