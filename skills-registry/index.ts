export {
  CATALOG_DIR,
  listSkillFolders,
  loadSkill,
  type SkillPackage,
} from "./format/load-skill.ts";
export { SkillFormatError } from "./format/skill-format-error.ts";
export { parseTemplate } from "./format/template.ts";
export type { ManifestExample } from "./format/tool-schema.ts";
export { toSkillCode } from "./to-skill-code.ts";
