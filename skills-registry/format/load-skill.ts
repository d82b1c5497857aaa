import { readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import type { SkillCode } from "../../runtime/index.ts";
import { digestOf } from "./digest.ts";
import { MANIFEST_FILE, type Manifest, parseManifest } from "./manifest.ts";
import type { Parsed } from "./parse-strict.ts";
import { readPackageFile } from "./read-package-file.ts";
import { type FormatFault, quote, SkillFormatError } from "./skill-format-error.ts";
import { parseSkillMd, SKILL_FILE } from "./skill-md.ts";

const MAX_SKILL_MD_BYTES = 65_536;
const MAX_MANIFEST_BYTES = 262_144;
const MAX_CODE_BYTES = 8_388_608;

/** First-party skills, which come with Nexflow. */
export const CATALOG_DIR = path.resolve(import.meta.dirname, "../catalog");

/** A skill read from its folder and found valid. */
export interface SkillPackage {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** sha256 in hex: what the package is; see docs/skills.md. */
  readonly digest: string;
  readonly trust: SkillCode["trust"];
  readonly manifest: Manifest;
  /** What SKILL.md tells the model. */
  readonly instructions: string;
  readonly code: Uint8Array;
  readonly folder: string;
}

/** Loads the skill in `folder`; throws `SkillFormatError` with every fault it has. */
export async function loadSkill(folder: string): Promise<SkillPackage> {
  const root = await findRoot(folder);
  const [skillMd, manifest] = await Promise.all([
    readParsed(root, SKILL_FILE, MAX_SKILL_MD_BYTES, parseSkillMd),
    readParsed(root, MANIFEST_FILE, MAX_MANIFEST_BYTES, parseManifest),
  ]);
  const code = await readCode(root, manifest);
  const faults = [
    ...faultsOf(skillMd),
    ...nameFaults(SKILL_FILE, skillMd, root),
    ...faultsOf(manifest),
    ...nameFaults(MANIFEST_FILE, manifest, root),
    ...faultsOf(code),
  ];
  if (skillMd.kind !== "ok" || manifest.kind !== "ok" || code?.kind !== "ok" || faults.length > 0) {
    throw new SkillFormatError(folder, faults);
  }
  const { name, version, entry } = manifest.value;
  return {
    name,
    version,
    description: skillMd.value.description,
    digest: digestOf([
      { path: SKILL_FILE, content: skillMd.bytes },
      { path: MANIFEST_FILE, content: manifest.bytes },
      { path: entry, content: code.value },
    ]),
    trust: path.dirname(root) === CATALOG_DIR ? "first-party" : "community",
    manifest: manifest.value,
    instructions: skillMd.value.instructions,
    code: code.value,
    folder: root,
  };
}

/** The folders directly in `root` that hold a manifest, by name; what is in them is not checked. */
export async function listSkillFolders(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const found = await Promise.all(
    folders.toSorted().map(async (name) => {
      const folder = path.join(root, name);
      const manifest = await stat(path.join(folder, MANIFEST_FILE)).catch(() => undefined);
      return manifest ? [folder] : [];
    }),
  );
  return found.flat();
}

type Read<T> = Parsed<T> & { readonly bytes: Uint8Array };

async function findRoot(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (cause) {
    const fault = { file: ".", path: "", found: "nothing", expected: "a folder" };
    throw new SkillFormatError(folder, [fault], { cause });
  }
}

async function readParsed<T>(
  root: string,
  file: string,
  maxBytes: number,
  parse: (text: string) => Parsed<T>,
): Promise<Read<T>> {
  const read = await readPackageFile(root, file, maxBytes);
  if (read.kind === "faulty") return { ...read, bytes: new Uint8Array() };
  return { ...parse(read.value.toString("utf8")), bytes: read.value };
}

async function readCode(
  root: string,
  manifest: Parsed<Manifest>,
): Promise<Parsed<Uint8Array> | undefined> {
  if (manifest.kind === "faulty") return undefined;
  return readPackageFile(root, manifest.value.entry, MAX_CODE_BYTES);
}

function faultsOf(parsed: Parsed<unknown> | undefined): readonly FormatFault[] {
  return parsed?.kind === "faulty" ? parsed.faults : [];
}

function nameFaults(
  file: string,
  parsed: Parsed<{ readonly name: string }>,
  root: string,
): readonly FormatFault[] {
  const expected = path.basename(root);
  if (parsed.kind === "faulty" || parsed.value.name === expected) return [];
  const found = quote(parsed.value.name);
  return [{ file, path: "name", found, expected: `${quote(expected)}, the folder's name` }];
}
