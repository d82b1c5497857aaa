import { z } from "zod";
import { capabilitiesSchema, limitsSchema } from "../../runtime/index.ts";
import { checkTool } from "./check-tool.ts";
import { findUnsafe, MAX_DEPTH } from "./find-unsafe.ts";
import { findSyntaxLine, lineOf, readJsonLines } from "./json-lines.ts";
import { type Parsed, parseStrict } from "./parse-strict.ts";
import { type FormatFault, quote } from "./skill-format-error.ts";
import { kebab, type ManifestTool, toolSchema } from "./tool-schema.ts";

export const MANIFEST_FILE = "nexflow.json";

const MAX_PATH_CHARS = 200;

const SEMVER =
  /^(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}(?:-(?:0|[1-9]\d*|\d*[A-Za-z-][\dA-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][\dA-Za-z-]*))*)?(?:\+[\dA-Za-z-]+(?:\.[\dA-Za-z-]+)*)?$/u;

const entry = z
  .string()
  .min(1)
  .max(200)
  .regex(
    /^(?!\.{1,2}(?:\/|$))[\w.-]+(?:\/(?!\.{1,2}(?:\/|$))[\w.-]+)*$/u,
    'a relative path inside the folder, as "dist/skill.wasm"',
  );

const Manifest = z.strictObject({
  name: kebab,
  version: z.string().max(100).regex(SEMVER, 'a SemVer version, as "1.0.0"'),
  runtime: z.enum(["isolate", "wasm"]),
  entry,
  tools: z.array(toolSchema).min(1).max(32),
  capabilities: capabilitiesSchema.default({}),
  limits: limitsSchema.optional(),
});

export type Manifest = Readonly<z.output<typeof Manifest>>;

/** Reads the text of a `nexflow.json`, with all its faults and their lines if it is not valid. */
export function parseManifest(text: string): Parsed<Manifest> {
  const json = parseJson(text);
  if (json.kind === "faulty") return json;
  const { lines, duplicates, tooDeep } = readJsonLines(text, MAX_DEPTH);
  const parsed = checkManifest(json.value, duplicates, tooDeep);
  if (parsed.kind === "ok") return parsed;
  const faults = parsed.faults.map((fault) => ({ ...fault, line: lineOf(lines, fault.path) }));
  return { kind: "faulty", faults };
}

function checkManifest(
  json: unknown,
  duplicates: readonly string[],
  tooDeep: string | undefined,
): Parsed<Manifest> {
  const unsafe = findUnsafe(json) ?? (tooDeep === undefined ? undefined : nestedAt(tooDeep));
  if (unsafe) return { kind: "faulty", faults: [inManifest(unsafe)] };
  const doubled = duplicates.map((path) => inManifest({ path, ...DOUBLED }));
  if (doubled.length > 0) return { kind: "faulty", faults: doubled };
  const parsed = parseStrict(Manifest, json, MANIFEST_FILE);
  if (parsed.kind === "faulty") return parsed;
  const faults = [...duplicateTools(parsed.value.tools), ...parsed.value.tools.flatMap(checkTool)];
  return faults.length === 0 ? parsed : { kind: "faulty", faults: faults.map(inManifest) };
}

/** Parsers differ in which of two they take. */
const DOUBLED = { found: "the same name twice", expected: "each name once" };

function nestedAt(path: string): Omit<FormatFault, "file"> {
  const expected = `at most ${MAX_DEPTH} levels`;
  return { path: path.slice(0, MAX_PATH_CHARS), found: "deeper nesting", expected };
}

function inManifest({ path, found, expected }: Omit<FormatFault, "file">): FormatFault {
  return { file: MANIFEST_FILE, path, found, expected };
}

function parseJson(text: string): Parsed<unknown> {
  try {
    return { kind: "ok", value: JSON.parse(text) };
  } catch (error) {
    const found = error instanceof SyntaxError ? error.message : "unreadable text";
    const line = findSyntaxLine(text, found);
    const fault = { file: MANIFEST_FILE, line, path: "", found, expected: "JSON" };
    return { kind: "faulty", faults: [fault] };
  }
}

function duplicateTools(tools: readonly ManifestTool[]) {
  return tools.flatMap(({ name }, index) =>
    tools.findIndex((other) => other.name === name) === index
      ? []
      : [{ path: `tools[${index}].name`, found: quote(name), expected: "a name used only once" }],
  );
}
