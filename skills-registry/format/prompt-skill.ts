import { z } from "zod";
import { type Parsed, parseStrict } from "./parse-strict.ts";
import { type FormatFault, quote } from "./skill-format-error.ts";
import { SKILL_FILE, splitSkillMd } from "./skill-md.ts";

const MAX_NAME_CHARS = 64;
const MAX_DESCRIPTION_CHARS = 1_024;
/** Lower case of any script, digits, single hyphens inside. */
const NAME = /^[\p{Ll}\p{Lo}\p{N}]+(?:-[\p{Ll}\p{Lo}\p{N}]+)*$/u;

/** A skill that is only a `SKILL.md`, as it can be used. */
export interface PromptSkillMd {
  readonly name: string;
  readonly description: string;
  readonly instructions: string;
  /** What the standard does not have so, and what was made of it. */
  readonly warnings: readonly string[];
}

/**
 * Reads a `SKILL.md` as it may come from anywhere: where it bends the standard it is taken as it is
 * meant, with a warning. Faulty is what has no description or no front matter that can be read.
 */
export function readPromptSkill(text: string, folder: string): Parsed<PromptSkillMd> {
  const warnings: string[] = [];
  const split = splitSkillMd(text, (yaml) => {
    warnings.push("the front matter is YAML only after quotes were put around its values");
    return quoteValues(yaml);
  });
  if (split.kind === "faulty") return split;
  const { fields, instructions } = split.value;
  if (!isRecord(fields)) return faulty("", quote(fields), "fields with values");
  const description = toText(fields["description"]);
  if (description === "") {
    return faulty(
      "description",
      quote(fields["description"]),
      "what the skill does and when to use it",
    );
  }
  if (description.length > MAX_DESCRIPTION_CHARS) {
    warnings.push(
      `the description has ${description.length} characters and is cut to ${MAX_DESCRIPTION_CHARS}`,
    );
  }
  const name = toName(toText(fields["name"])) || toName(folder);
  if (name === "") return faulty("name", quote(fields["name"]), NAME_EXPECTED);
  if (name !== fields["name"])
    warnings.push(`the name ${quote(fields["name"])} is taken as "${name}"`);
  if (name !== folder) warnings.push(`the name "${name}" is not that of its folder, "${folder}"`);
  const unknown = Object.keys(fields).filter((field) => !FIELDS.has(field));
  if (unknown.length > 0) warnings.push(`unknown fields: ${quote(unknown)}`);
  return {
    kind: "ok",
    value: {
      name,
      description: description.slice(0, MAX_DESCRIPTION_CHARS).toWellFormed(),
      instructions,
      warnings,
    },
  };
}

const NAME_EXPECTED = `lower case letters, digits and single hyphens, at most ${MAX_NAME_CHARS}`;

const FrontMatter = z.strictObject({
  name: z.string().max(MAX_NAME_CHARS).regex(NAME, `expected ${NAME_EXPECTED}`),
  description: z
    .string()
    .max(MAX_DESCRIPTION_CHARS)
    .refine((text) => text.trim() !== "", "expected what the skill does and when to use it"),
  license: z.string().min(1).optional(),
  compatibility: z.string().min(1).max(500).optional(),
  metadata: z.record(z.string(), z.string()).optional(),
  "allowed-tools": z.string().optional(),
});

const FIELDS: ReadonlySet<string> = new Set(Object.keys(FrontMatter.shape));

/** Everything in a `SKILL.md` that the standard does not allow. */
export function checkPromptSkill(text: string, folder: string): readonly FormatFault[] {
  const split = splitSkillMd(text);
  if (split.kind === "faulty") return split.faults;
  const { fields, instructions } = split.value;
  const parsed = parseStrict(FrontMatter, fields, SKILL_FILE);
  const faults = parsed.kind === "faulty" ? [...parsed.faults] : [];
  const name = isRecord(fields) ? fields["name"] : undefined;
  if (typeof name === "string" && name.normalize("NFKC") !== folder.normalize("NFKC")) {
    const expected = `${quote(folder)}, the folder's name`;
    faults.push({ file: SKILL_FILE, path: "name", found: quote(name), expected });
  }
  if (instructions === "") {
    faults.push({ file: SKILL_FILE, path: "", found: "no text", expected: "instructions" });
  }
  return faults;
}

/** A colon inside a value is what breaks the YAML of people; single lines are all it mends. */
function quoteValues(yaml: string): string {
  return yaml.replaceAll(
    /^([A-Za-z-]+):[ \t]+([^\s"'|>[{][^\n\r]*)/gmu,
    (_line, key: string, value: string) => `${key}: ${JSON.stringify(value.trimEnd())}`,
  );
}

/** A name that can be told from others and stands in one word. */
function toName(raw: string): string {
  return raw
    .normalize("NFKC")
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, "-")
    .slice(0, MAX_NAME_CHARS)
    .toWellFormed()
    .replaceAll(/^[-.]+|[-.]+$/gu, "");
}

function toText(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "string" ? value.trim() : "";
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function faulty(path: string, found: string, expected: string): Parsed<never> {
  return { kind: "faulty", faults: [{ file: SKILL_FILE, path, found, expected }] };
}
