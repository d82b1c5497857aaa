import { type Document, parseDocument, visit } from "yaml";
import { z } from "zod";
import { type Parsed, parseStrict } from "./parse-strict.ts";

export const SKILL_FILE = "SKILL.md";

const MAX_COLLECTIONS = 300;
const MAX_YAML_CHARS = 32_768;

/** The front matter of the Agent Skills standard. */
const FrontMatter = z.strictObject({
  name: z.string().min(1).max(64),
  description: z.string().trim().min(1).max(1024),
  license: z.string().optional(),
  compatibility: z.string().min(1).max(500).optional(),
  metadata: z.record(z.string(), z.string()).optional(),
  "allowed-tools": z.string().optional(),
});

export interface SkillMd {
  readonly name: string;
  readonly description: string;
  /** The text below the front matter. */
  readonly instructions: string;
}

/** Reads the text of a `SKILL.md`, with all its faults if it is not valid. */
export function parseSkillMd(text: string): Parsed<SkillMd> {
  const split = splitSkillMd(text);
  if (split.kind === "faulty") return split;
  const parsed = parseStrict(FrontMatter, split.value.fields, SKILL_FILE);
  if (parsed.kind === "faulty") return parsed;
  const { name, description } = parsed.value;
  return { kind: "ok", value: { name, description, instructions: split.value.instructions } };
}

export interface SplitSkillMd {
  /** The front matter as its YAML has it; nothing of it is checked. */
  readonly fields: unknown;
  readonly instructions: string;
}

/** Splits the text of a `SKILL.md`; `mend` may change YAML that does not parse, for another try. */
export function splitSkillMd(text: string, mend?: (yaml: string) => string): Parsed<SplitSkillMd> {
  const match = /^\uFEFF?---\r?\n(?<yaml>.*?)\r?\n---[ \t]*(?:\r?\n|$)(?<body>.*)$/su.exec(text);
  const { yaml, body } = match?.groups ?? {};
  if (yaml === undefined || body === undefined) {
    return faulty("no front matter", 'YAML between two lines "---" at the start');
  }
  const parsed = parseYaml(yaml);
  const mended = parsed.kind === "faulty" && mend !== undefined ? parseYaml(mend(yaml)) : parsed;
  // What was wrong at first is what the author can do something about.
  if (mended.kind === "faulty") return parsed.kind === "faulty" ? parsed : mended;
  return { kind: "ok", value: { fields: mended.value, instructions: body.trim() } };
}

function parseYaml(yaml: string): Parsed<unknown> {
  if (yaml.length > MAX_YAML_CHARS) {
    return faulty(`${yaml.length} characters of YAML`, `at most ${MAX_YAML_CHARS}`);
  }
  // The parser takes minutes, or dies, where collections are nested by the thousand.
  if ((yaml.match(/[[{]|[-?:](?=\s)/gu) ?? []).length > MAX_COLLECTIONS) {
    return faulty("too many collections", "the front matter of the Agent Skills standard");
  }
  const document = parseDocument(yaml);
  const [error] = document.errors;
  if (error) return faulty(error.message.split("\n", 1)[0] ?? error.code, "YAML");
  if (hasAlias(document)) return faulty("an alias", "YAML without aliases");
  return { kind: "ok", value: document.toJS() };
}

/** A few lines of aliases can stand for gigabytes. */
function hasAlias(document: Document.Parsed): boolean {
  let isFound = false;
  visit(document, {
    Alias() {
      isFound = true;
      return visit.BREAK;
    },
  });
  return isFound;
}

function faulty(found: string, expected: string): Parsed<never> {
  return { kind: "faulty", faults: [{ file: SKILL_FILE, path: "", found, expected }] };
}
