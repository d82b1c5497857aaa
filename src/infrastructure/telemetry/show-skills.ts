import { oncePer } from "#domain/shared/once-per.ts";
import type { ListedSkill, Skill } from "#domain/skill/skill.ts";
import type { SecretMasker } from "./secret-masker.ts";

/**
 * Makes skills what people may see of them: what is said of their tools may hold a secret. Each is
 * masked once, and again when more secrets are known.
 */
export function createShowSkills(masker: SecretMasker) {
  const showAnew = () => oncePer((skill: Skill) => toListed(skill, masker));
  let known = masker.size;
  let show = showAnew();
  return function showSkills(skills: readonly Skill[]): readonly ListedSkill[] {
    if (masker.size !== known) {
      known = masker.size;
      show = showAnew();
    }
    return skills.map(show);
  };
}

function toListed(skill: Skill, masker: SecretMasker): ListedSkill {
  return {
    ...skill,
    description: masker.mask(skill.description),
    tools: skill.tools.map(({ name, description, effects, examples }) => ({
      name,
      description: masker.mask(description),
      effects,
      examples,
    })),
  };
}
