export {
  CATALOG_DIR,
  listSkillFolders,
  loadSkill,
  type SkillPackage,
} from "./format/load-skill.ts";
export type { Manifest } from "./format/manifest.ts";
export { type FormatFault, SkillFormatError } from "./format/skill-format-error.ts";
export { parseTemplate, type TemplatePart } from "./format/template.ts";
export type { ManifestExample, ManifestTool } from "./format/tool-schema.ts";
export { toSkillCode } from "./to-skill-code.ts";
