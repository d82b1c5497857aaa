import { type Document, LineCounter, parseDocument, visit } from "yaml";
import type { z } from "zod";
import { PolicyError, type PolicyFault, toPolicyFaults } from "./policy-error.ts";
import { policySchema } from "./policy-schema.ts";
import { findPlaces, placeOf, type TextPlaces } from "./text-places.ts";

export type SandboxPolicy = Readonly<z.output<typeof policySchema>> & {
  /** The file's name, for people. */
  readonly file: string;
  /** Where its parts stand in the file. */
  readonly places: TextPlaces;
};

/** The policy in `text`, the content of `file`. Throws `PolicyError` with every fault. */
export function parsePolicy(text: string, file: string): SandboxPolicy {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const faults = findTextFaults(document, lines, file);
  if (faults.length > 0) throw new PolicyError(`Cannot read policy "${file}"`, faults);
  const places = findPlaces(document, lines);
  const raw: unknown = document.toJS();
  const parsed = policySchema.safeParse(raw);
  if (parsed.success) return { ...parsed.data, file, places };
  const wrong = toPolicyFaults(parsed.error, { raw, file, places });
  throw new PolicyError(`Cannot use policy "${file}"`, wrong);
}

/** What rulings call a line of a policy: "default.yaml:21: grants.clock". */
export function ruleOf({ file, places }: SandboxPolicy, path: string): string {
  return `${file}:${placeOf(places, path.split(".")).line}: ${path}`;
}

function findTextFaults(
  document: Document.Parsed,
  lines: LineCounter,
  file: string,
): readonly PolicyFault[] {
  const faultAt = (offset: number, message: string): PolicyFault => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, path: "", message };
  };
  const faults = [...document.errors, ...document.warnings].map(({ message, pos: [offset] }) =>
    faultAt(offset, message),
  );
  visit(document, {
    Alias: (_key, { range }) => {
      faults.push(faultAt(range?.[0] ?? 0, "found an alias, expected the value itself"));
    },
  });
  return faults;
}
