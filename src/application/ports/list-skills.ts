import type { ListedSkill } from "#domain/skill/skill.ts";
import type { PromptSkill } from "./prompt-skills.ts";

/** What skills there are at this moment, whatever source they are from; the agent's own tools are none. */
export interface SkillsThereAre {
  readonly skills: readonly ListedSkill[];
  /** Those that are text only. */
  readonly promptSkills: readonly PromptSkill[];
}

/** Asks where skills are called. Rejects where that cannot be asked. */
export type ListSkills = () => Promise<SkillsThereAre>;
