import type { Skill, SkillTool } from "./skill.ts";

/**
 * The skill that the agent's own tools belong to. Nothing that is installed may have its name.
 * Its tools are called by their bare names, as `activate_skill`, which have no dot.
 */
export const OWN_SKILL = "agent";

/** The tool of our own by which models take up the instructions of a prompt skill. */
export const ACTIVATE_SKILL = "activate_skill";

/** What models and people call a tool: `<skill>.<tool>`, or the bare name of one of our own. */
export function toolNameOf(skill: string, tool: string): string {
  return skill === OWN_SKILL ? tool : `${skill}.${tool}`;
}

/** The tool that goes by `name`. */
export function findTool(
  name: string,
  skills: readonly Skill[],
): { readonly skill: Skill; readonly tool: SkillTool } | undefined {
  const dot = name.indexOf(".");
  const [skillName, toolName] =
    dot < 0 ? [OWN_SKILL, name] : [name.slice(0, dot), name.slice(dot + 1)];
  const skill = skills.find((each) => each.name === skillName);
  const tool = skill?.tools.find((each) => each.name === toolName);
  return skill === undefined || tool === undefined ? undefined : { skill, tool };
}
