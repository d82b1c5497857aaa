import type { InstalledSkill } from "#domain/skill/installed-skill.ts";
import type { SkillRepository } from "#domain/skill/skill-repository.ts";

/** Installed skills in memory. */
export function createMemorySkills(): SkillRepository {
  const skills = new Map<string, InstalledSkill>();
  return {
    find: async (name) => skills.get(name),
    list: async (state) =>
      [...skills.values()]
        .filter((skill) => state === undefined || skill.state.kind === state)
        .toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    add: async (skill) => {
      if (skills.has(skill.name)) return "exists";
      skills.set(skill.name, { ...skill, revision: 0 });
      return "added";
    },
    save: async (skill) => {
      const { name, revision } = skill;
      if (skills.get(name)?.revision !== revision) return "stale";
      skills.set(name, { ...skill, revision: revision + 1 });
      return "saved";
    },
    remove: async (name) => (skills.delete(name) ? "removed" : "not-found"),
  };
}
