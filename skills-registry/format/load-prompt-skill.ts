import { lstat, readdir, realpath } from "node:fs/promises";
import path from "node:path";
import { digestOf } from "./digest.ts";
import { MANIFEST_FILE } from "./manifest.ts";
import type { Parsed } from "./parse-strict.ts";
import { checkPromptSkill, type PromptSkillMd, readPromptSkill } from "./prompt-skill.ts";
import { readPackageFile } from "./read-package-file.ts";
import type { FormatFault } from "./skill-format-error.ts";
import { SKILL_FILE } from "./skill-md.ts";

const MAX_SKILL_MD_BYTES = 65_536;
const MAX_RESOURCE_BYTES = 262_144;
const MAX_PATH_CHARS = 512;
const MAX_RESOURCES = 100;
/** Entries of folders that are looked at for resources. */
const MAX_ENTRIES = 1_000;
const MAX_DEPTH = 5;
const LEFT_OUT: ReadonlySet<string> = new Set(["node_modules", "__pycache__"]);

/** A skill without code, read from its folder. */
export interface PromptSkillPackage extends PromptSkillMd {
  /** Its real path. */
  readonly folder: string;
  /** Of its `SKILL.md`, as docs/skills.md has it for packages. */
  readonly digest: string;
}

/** Reads the skill in `folder` as leniently as `readPromptSkill`. */
export async function loadPromptSkill(folder: string): Promise<Parsed<PromptSkillPackage>> {
  const root = await findFolder(folder);
  if (root.kind === "faulty") return root;
  const read = await readPackageFile(root.value, SKILL_FILE, MAX_SKILL_MD_BYTES);
  if (read.kind === "faulty") return read;
  const parsed = readPromptSkill(read.value.toString("utf8"), path.basename(root.value));
  if (parsed.kind === "faulty") return parsed;
  const digest = digestOf([{ path: SKILL_FILE, content: read.value }]);
  return { kind: "ok", value: { ...parsed.value, folder: root.value, digest } };
}

/** Everything in a folder that its publisher has to mend. */
export async function checkPromptSkillFolder(folder: string): Promise<readonly FormatFault[]> {
  const root = await findFolder(folder);
  if (root.kind === "faulty") return root.faults;
  const read = await readPackageFile(root.value, SKILL_FILE, MAX_SKILL_MD_BYTES);
  const faults =
    read.kind === "faulty"
      ? read.faults
      : checkPromptSkill(read.value.toString("utf8"), path.basename(root.value));
  const found = await listFiles(root.value);
  const links = found.links.map((file) => {
    return { file, path: "", found: "a symbolic link", expected: "a regular file" };
  });
  const limit = { file: ".", path: "", found: `more than ${MAX_RESOURCES} files` };
  const crowd = found.isAll ? [] : [{ ...limit, expected: `at most ${MAX_RESOURCES}` }];
  return [...faults, ...links, ...crowd];
}

export interface ResourceList {
  /** Relative to the skill's folder, with "/" between their parts. */
  readonly files: readonly string[];
  /** There are no others. */
  readonly isAll: boolean;
}

/** The files beside the `SKILL.md` of a skill; what is behind symbolic links is none of them. */
export async function listResources({
  folder,
}: Pick<PromptSkillPackage, "folder">): Promise<ResourceList> {
  const { files, isAll } = await listFiles(folder);
  return { files, isAll };
}

/**
 * Reads a text file of a skill: a regular file inside its folder that no symbolic link leads to,
 * UTF-8, of at most 256 KiB.
 */
export async function readResource(
  { folder }: Pick<PromptSkillPackage, "folder">,
  file: string,
): Promise<Parsed<{ readonly text: string; readonly digest: string }>> {
  if (!isPlainPath(file)) {
    const expected = 'a relative path inside the skill\'s folder, as "references/guide.md"';
    return { kind: "faulty", faults: [{ file: "path", path: "", found: "another one", expected }] };
  }
  const read = await readPackageFile(folder, path.join(...file.split("/")), MAX_RESOURCE_BYTES);
  if (read.kind === "faulty") return read;
  const text = toText(read.value);
  if (text === undefined) {
    return {
      kind: "faulty",
      faults: [{ file, path: "", found: "no text", expected: "UTF-8 text" }],
    };
  }
  return { kind: "ok", value: { text, digest: digestOf([{ path: file, content: read.value }]) } };
}

/**
 * The folders directly in `root` that may hold a skill without code, by name, at most `most`; what
 * is a symbolic link is none of them. Rejects where `root` cannot be read.
 */
export async function listPromptSkillFolders(
  root: string,
  most: number,
): Promise<{ readonly folders: readonly string[]; readonly isAll: boolean }> {
  const entries = await readdir(root, { withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => name)
    .toSorted();
  const found = await Promise.all(
    names.slice(0, most).map(async (name) => {
      const folder = path.join(root, name);
      if (!(await exists(path.join(folder, SKILL_FILE)))) return [];
      return (await exists(path.join(folder, MANIFEST_FILE))) ? [] : [folder];
    }),
  );
  return { folders: found.flat(), isAll: names.length <= most };
}

interface FoundFiles extends ResourceList {
  readonly links: readonly string[];
}

async function listFiles(root: string): Promise<FoundFiles> {
  const files: string[] = [];
  const links: string[] = [];
  const open = [""];
  let entries = 0;
  for (let folder = open.shift(); folder !== undefined; folder = open.shift()) {
    const found = await readdir(path.join(root, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of found.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
      entries += 1;
      if (entries > MAX_ENTRIES || files.length > MAX_RESOURCES) break;
      const file = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.name.startsWith(".") || LEFT_OUT.has(entry.name)) continue;
      if (entry.isSymbolicLink()) links.push(file);
      else if (entry.isDirectory() && file.split("/").length < MAX_DEPTH) open.push(file);
      else if (entry.isFile() && file !== SKILL_FILE && isPlainPath(file)) files.push(file);
    }
  }
  const isAll = entries <= MAX_ENTRIES && files.length <= MAX_RESOURCES;
  return { files: files.slice(0, MAX_RESOURCES), links, isAll };
}

function isPlainPath(file: string): boolean {
  if (file.length > MAX_PATH_CHARS || /[\\\p{Cc}]/u.test(file)) return false;
  return file.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

function toText(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

async function findFolder(folder: string): Promise<Parsed<string>> {
  const expected = "a folder";
  try {
    const root = await realpath(folder);
    if ((await lstat(root)).isDirectory()) return { kind: "ok", value: root };
    return { kind: "faulty", faults: [{ file: ".", path: "", found: "no folder", expected }] };
  } catch {
    return { kind: "faulty", faults: [{ file: ".", path: "", found: "nothing", expected }] };
  }
}

async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}
