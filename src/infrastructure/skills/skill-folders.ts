import { access } from "node:fs/promises";
import path from "node:path";
import {
  checkPromptSkillFolder,
  formatFault,
  listPromptSkillFolders,
  loadPromptSkill,
  loadSkill,
  SkillFormatError,
} from "../../../skills-registry/index.ts";

/** A folder with a skill that is text only, as it would be taken. */
export interface ListedPromptSkill {
  readonly folder: string;
  /** What keeps it from being used; then the rest is not known. */
  readonly fault?: string;
  readonly name?: string;
  readonly description?: string;
  /** Of its `SKILL.md`: what policies match. */
  readonly digest?: string;
  /** What the standard does not have so. */
  readonly warnings: readonly string[];
}

const MAX_FOLDERS = 500;

/** The skills without code in some folders; what is not there is left out. */
export async function listPromptSkills(
  roots: readonly string[],
): Promise<readonly ListedPromptSkill[]> {
  const found: ListedPromptSkill[] = [];
  for (const root of roots) {
    const listed = await listPromptSkillFolders(root, MAX_FOLDERS).catch(() => undefined);
    for (const folder of listed?.folders ?? []) {
      const read = await loadPromptSkill(folder);
      if (read.kind === "ok") {
        const { name, description, digest, warnings } = read.value;
        const isTaken = found.some((each) => each.name === name);
        const fault = isTaken ? { fault: `another skill is called "${name}" already` } : {};
        found.push({ folder, name, description, digest, warnings, ...fault });
      } else {
        const fault = read.faults.map(formatFault).join("; ");
        found.push({ folder, fault, warnings: [] });
      }
    }
  }
  return found;
}

/** All that keeps a skill from being published, with code or without. */
export async function checkSkillFolder(folder: string): Promise<readonly string[]> {
  const hasManifest = await access(path.join(folder, "nexflow.json")).then(
    () => true,
    () => false,
  );
  if (!hasManifest) return (await checkPromptSkillFolder(folder)).map(formatFault);
  try {
    await loadSkill(folder);
    return [];
  } catch (error) {
    if (!(error instanceof SkillFormatError)) throw error;
    return error.faults.map(formatFault);
  }
}
