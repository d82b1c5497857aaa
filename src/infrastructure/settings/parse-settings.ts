import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument, visit } from "yaml";
import type { z } from "zod";
import { Fault } from "#domain/shared/fault.ts";
import { describeIssues } from "../../../runtime/describe-issues.ts";

export interface SettingsForm<T> {
  /** What messages call the file. */
  readonly file: string;
  readonly schema: z.ZodType<T>;
}

/** One thing that is wrong, and where it stands in the text. */
interface SettingsFault {
  readonly offset: number;
  readonly message: string;
}

/**
 * The settings in the YAML `text`; an empty one counts as `{}`. Throws `Fault` (`CONFIG_INVALID`)
 * that names every fault with its line and column, and shows no value: some of them are secret.
 */
export function parseSettings<T>(text: string, { file, schema }: SettingsForm<T>): T {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const unreadable = findTextFaults(document);
  if (unreadable.length > 0) throw toFault(unreadable);
  const raw: unknown = document.toJS() ?? {};
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const faults = describeIssues(parsed.error, raw).map(({ path, found, expected }) => {
    const offset = offsetOf(document, path);
    const place = path.length === 0 ? "" : `${nameOf(path)}: `;
    if (found.kind === "unknown-property") return { offset, message: `${place}unknown property` };
    const what = found.kind === "name" ? "unusable name" : `found ${kindOf(found.value)}`;
    return { offset, message: `${place}${what}, expected ${expected}` };
  });
  throw toFault(faults);

  function toFault(faults: readonly SettingsFault[]): Fault {
    const ordered = faults.toSorted((one, other) => one.offset - other.offset);
    const places = ordered.map(({ offset, message }) => {
      const { line, col } = lines.linePos(offset);
      return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}: ${message}`;
    });
    return new Fault("CONFIG_INVALID", `Cannot use the settings: ${places.join("; ")}`);
  }
}

function findTextFaults(document: Document.Parsed): readonly SettingsFault[] {
  const faults = [...document.errors, ...document.warnings].map(({ message, pos: [offset] }) => {
    // Some messages end with what stands in the text.
    return { offset, message: message.replace(/: ["'].*$/su, "") };
  });
  visit(document, {
    Alias: (_key, { range }) => {
      const message = "found an alias, expected the value itself";
      faults.push({ offset: range?.[0] ?? 0, message });
    },
  });
  return faults;
}

function nameOf(path: readonly PropertyKey[]): string {
  return path.map(String).join(".");
}

/** Where the part at `path` stands, properties at their names; else the nearest part around it. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const name = path[length - 1];
    const parent: unknown = length === 1 ? document.contents : at(document, path.slice(0, -1));
    const key = isMap(parent) ? parent.items.find((pair) => toName(pair.key) === name)?.key : null;
    const part = key ?? at(document, path.slice(0, length));
    if (isNode(part) && part.range) return part.range[0];
  }
  return isNode(document.contents) ? (document.contents.range?.[0] ?? 0) : 0;
}

function at(document: Document, path: readonly PropertyKey[]): unknown {
  return document.getIn(path, true);
}

function toName(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  return typeof value === "string" ? "a text" : `a ${typeof value}`;
}
