import { stat } from "node:fs/promises";
import path from "node:path";
import type { Logger } from "#application/ports/logger.ts";
import type {
  PromptSkill,
  PromptSkillContent,
  PromptSkillFault,
  PromptSkillResource,
  PromptSkills,
} from "#application/ports/prompt-skills.ts";
import {
  CATALOG_DIR,
  type FormatFault,
  formatFault,
  listPromptSkillFolders,
  listResources,
  loadPromptSkill,
  type PromptSkillPackage,
  readResource,
} from "../../../skills-registry/index.ts";

export interface PromptSkillsOptions {
  /** Folders of skill folders; of two skills with one name that of the earlier folder counts. */
  readonly roots: readonly string[];
  readonly judge: JudgePromptSkill;
  readonly nowMs: () => number;
  readonly log: Logger;
}

/** What the operator's policy says of a skill's words. */
export type JudgePromptSkill = (skill: JudgedSkill) => PromptSkillVerdict;

export interface JudgedSkill {
  readonly name: string;
  readonly digest: string;
  readonly trust: PromptSkillContent["trust"];
}

export type PromptSkillVerdict =
  | { readonly kind: "denied"; readonly message: string; readonly rule: string }
  | { readonly kind: "allowed"; readonly isUntrusted: boolean };

const MAX_SKILLS = 100;
const MAX_FOLDERS = 500;
const LOOK_AGAIN_MS = 5_000;

interface Known {
  /** Of the `SKILL.md` as it was read. */
  readonly version: string;
  readonly skill: PromptSkillPackage | undefined;
}

interface Taken extends PromptSkillPackage {
  readonly isUntrusted: boolean;
}

/** Looks for skills without code in folders, now and again later. Never rejects for what is there. */
export async function openPromptSkills(options: PromptSkillsOptions): Promise<PromptSkills> {
  const skills = new FolderPromptSkills(options);
  await skills.look();
  return skills;
}

class FolderPromptSkills implements PromptSkills {
  readonly #options: PromptSkillsOptions;
  /** By folder. */
  #known = new Map<string, Known>();
  #byName: ReadonlyMap<string, Taken> = new Map();
  #listed: readonly PromptSkill[] = [];
  #lookedAtMs = 0;
  #isLooking = false;
  /** What was told already. */
  readonly #told = new Set<string>();

  constructor(options: PromptSkillsOptions) {
    this.#options = options;
  }

  list(): readonly PromptSkill[] {
    const isDue = this.#options.nowMs() - this.#lookedAtMs > LOOK_AGAIN_MS;
    if (isDue && !this.#isLooking) void this.look();
    return this.#listed;
  }

  async load(name: string): Promise<PromptSkillContent | PromptSkillFault> {
    const found = this.#byName.get(name);
    if (found === undefined) return this.#unknown(name);
    const read = await loadPromptSkill(found.folder);
    if (read.kind === "faulty") return toFault(`Cannot read skill "${name}"`, read.faults);
    const { description, instructions, folder, digest } = read.value;
    const trust = trustOf(folder);
    const verdict = this.#options.judge({ name, digest, trust });
    if (verdict.kind === "denied") return denied(name, verdict);
    const { files: resources, isAll } = await listResources(read.value);
    const origin = { folder, digest, trust, isUntrusted: verdict.isUntrusted };
    const words = { name, description, instructions };
    return { kind: "content", ...words, resources, hasMoreResources: !isAll, ...origin };
  }

  async readResource(name: string, file: string): Promise<PromptSkillResource | PromptSkillFault> {
    const found = this.#byName.get(name);
    if (found === undefined) return this.#unknown(name);
    const trust = trustOf(found.folder);
    const verdict = this.#options.judge({ name, digest: found.digest, trust });
    if (verdict.kind === "denied") return denied(name, verdict);
    const read = await readResource(found, file);
    if (read.kind === "faulty")
      return toFault(`Cannot read "${file}" of skill "${name}"`, read.faults);
    // Who vouches for a skill does so for its SKILL.md: the digest is of that alone.
    return { kind: "resource", ...read.value, isUntrusted: trust !== "first-party" };
  }

  /** Looks at all folders anew; reads what has changed. */
  async look(): Promise<void> {
    this.#isLooking = true;
    try {
      const known = new Map<string, Known>();
      const byName = new Map<string, Taken>();
      for (const root of this.#options.roots) {
        for (const folder of await this.#listFolders(root)) {
          const one = await this.#read(folder);
          known.set(folder, one);
          if (one.skill !== undefined) this.#take(one.skill, byName);
        }
      }
      this.#known = known;
      this.#show(byName);
    } catch (error) {
      this.#options.log.error({ error }, "The folders of skills could not be looked at");
    } finally {
      this.#lookedAtMs = this.#options.nowMs();
      this.#isLooking = false;
    }
  }

  async #listFolders(root: string): Promise<readonly string[]> {
    try {
      const { folders, isAll } = await listPromptSkillFolders(root, MAX_FOLDERS);
      if (!isAll)
        this.#tell(root, `Only the first ${MAX_FOLDERS} folders are looked at for skills`);
      return folders;
    } catch (error) {
      const isAbsent = error instanceof Error && "code" in error && error.code === "ENOENT";
      if (!isAbsent) this.#tell(root, "A folder of skills cannot be read");
      return [];
    }
  }

  async #read(folder: string): Promise<Known> {
    const { mtimeMs, size, ino } = await stat(path.join(folder, "SKILL.md")).catch(() => NOTHING);
    const version = `${mtimeMs} ${size} ${ino}`;
    const before = this.#known.get(folder);
    if (before?.version === version) return before;
    const read = await loadPromptSkill(folder);
    if (read.kind === "ok") {
      for (const warning of read.value.warnings) this.#tell(folder, `A skill is taken: ${warning}`);
      return { version, skill: read.value };
    }
    this.#tell(folder, `A skill does not load: ${read.faults.map(formatFault).join("; ")}`);
    return { version, skill: undefined };
  }

  #take(skill: PromptSkillPackage, byName: Map<string, Taken>): void {
    const { name, digest, folder } = skill;
    const verdict = this.#options.judge({ name, digest, trust: trustOf(folder) });
    if (verdict.kind === "denied") return;
    if (byName.has(name)) this.#tell(folder, `Another skill is called "${name}" already`);
    else if (byName.size >= MAX_SKILLS)
      this.#tell(folder, `There are ${MAX_SKILLS} skills already`);
    else byName.set(name, { ...skill, isUntrusted: verdict.isUntrusted });
  }

  /** The list stays the same object while nothing in it changes. */
  #show(byName: ReadonlyMap<string, Taken>): void {
    this.#byName = byName;
    const listed = [...byName.values()]
      .map(({ name, description, isUntrusted }) => ({
        name,
        // Nobody has asked for what a stranger's skill says before it is activated.
        ...(!isUntrusted && { description }),
      }))
      .toSorted((one, other) => (one.name < other.name ? -1 : 1));
    if (JSON.stringify(listed) !== JSON.stringify(this.#listed)) this.#listed = listed;
  }

  #unknown(name: string): PromptSkillFault {
    const names = this.#listed.map((each) => each.name).join(", ");
    return {
      kind: "fault",
      message: `There is no skill "${name}"; expected one of ${names || "none"}`,
    };
  }

  #tell(folder: string, what: string): void {
    const key = `${folder} ${what}`;
    // Where thousands of folders are wrong the log has had enough.
    if (this.#told.has(key) || this.#told.size >= MAX_FOLDERS) return;
    this.#told.add(key);
    this.#options.log.warn({ folder }, what);
  }
}

const NOTHING = { mtimeMs: 0, size: 0, ino: 0 };

function trustOf(folder: string): PromptSkillContent["trust"] {
  return path.dirname(folder) === CATALOG_DIR ? "first-party" : "community";
}

function toFault(what: string, faults: readonly FormatFault[]): PromptSkillFault {
  return { kind: "fault", message: `${what}: ${faults.map(formatFault).join("; ")}` };
}

function denied(
  name: string,
  { message, rule }: { readonly message: string; readonly rule: string },
): PromptSkillFault {
  return { kind: "fault", message: `Skill "${name}" is out of use: ${message} (${rule})` };
}
