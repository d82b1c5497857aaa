import type { InstalledSkill, SkillState } from "./installed-skill.ts";

/**
 * The installed skills. All reject with `Fault` `STORE_UNAVAILABLE` where the store cannot be used.
 */
export interface SkillRepository {
  find(name: string): Promise<InstalledSkill | undefined>;
  /** By name; all, or those in one state. */
  list(state?: SkillState["kind"]): Promise<readonly InstalledSkill[]>;
  /** Stores a new one, with revision 0. */
  add(skill: InstalledSkill): Promise<"added" | "exists">;
  /**
   * Stores a skill as it has become, where nobody else has written it since; it then has the next
   * revision. `stale`: somebody has, or it is gone; nothing was written.
   */
  save(skill: InstalledSkill): Promise<"saved" | "stale">;
  remove(name: string): Promise<"removed" | "not-found">;
}
