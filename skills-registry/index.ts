export {
  checkPromptSkillFolder,
  listPromptSkillFolders,
  listResources,
  loadPromptSkill,
  type PromptSkillPackage,
  readResource,
} from "./format/load-prompt-skill.ts";
export {
  CATALOG_DIR,
  listSkillFolders,
  loadSkill,
  type SkillPackage,
} from "./format/load-skill.ts";
export { type FormatFault, formatFault, SkillFormatError } from "./format/skill-format-error.ts";
export type { ManifestExample } from "./format/tool-schema.ts";
export { toSkillCode } from "./to-skill-code.ts";
