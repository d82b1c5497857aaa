import { describe, test } from "vitest";
import { parseUserId } from "#domain/shared/id.ts";
import {
  disableSkill,
  enableSkill,
  type InstalledSkill,
  quarantineSkill,
  replaceSkill,
  revokeSkill,
} from "#domain/skill/installed-skill.ts";
import type { SkillRepository } from "#domain/skill/skill-repository.ts";

export interface SkillsUnderTest extends AsyncDisposable {
  readonly skills: SkillRepository;
}

const admin = parseUserId("admin");

/** What every repository of installed skills promises. */
export function describeSkillRepository(name: string, open: () => Promise<SkillsUnderTest>): void {
  describe(`SkillRepository ${name}`, () => {
    test("gives a skill back in each of its states", async ({ expect }) => {
      await using store = await open();
      const { skills } = store;
      const steps = [
        (skill: InstalledSkill) => disableSkill(skill, admin, 2),
        (skill: InstalledSkill) => enableSkill(skill, 3),
        (skill: InstalledSkill) => quarantineSkill(skill, 'It "crashed"', 4),
        (skill: InstalledSkill) => revokeSkill(skill, "Withdrawn", 5),
        (skill: InstalledSkill) =>
          replaceSkill(skill, { ...skill, version: "2.0.0", digest: "e", publisher: "bob" }, 6),
      ];
      expect(await skills.add(skillOf("weather"))).toBe("added");
      let skill = await skills.find("weather");
      expect(skill).toEqual(skillOf("weather"));
      for (const [index, step] of steps.entries()) {
        const next = step(skill as InstalledSkill);
        expect(await skills.save(next)).toBe("saved");
        skill = await skills.find("weather");
        expect(skill).toEqual({ ...next, revision: index + 1 });
      }
    });

    test("add() leaves a skill alone that is there", async ({ expect }) => {
      await using store = await open();
      await store.skills.add(skillOf("weather"));
      const other = { ...skillOf("weather"), version: "9.0.0" };
      expect(await store.skills.add(other)).toBe("exists");
      expect((await store.skills.find("weather"))?.version).toBe("1.0.0");
    });

    test("save() takes one of two that saw the same skill", async ({ expect }) => {
      await using store = await open();
      const { skills } = store;
      const skill = skillOf("weather");
      await skills.add(skill);
      const results = await Promise.all([
        skills.save(disableSkill(skill, admin, 2)),
        skills.save(revokeSkill(skill, "Withdrawn", 2)),
      ]);
      expect(results.toSorted()).toEqual(["saved", "stale"]);
      expect(await skills.save(skillOf("unknown"))).toBe("stale");
    });

    test("list() is in order of names, all or of one state", async ({ expect }) => {
      await using store = await open();
      const { skills } = store;
      for (const each of ["zebra", "apple", "Mango"]) await skills.add(skillOf(each));
      await skills.save(disableSkill(skillOf("apple"), admin, 2));
      const names = async (...state: Parameters<SkillRepository["list"]>) =>
        (await skills.list(...state)).map((skill) => skill.name);
      expect(await names()).toEqual(["Mango", "apple", "zebra"]);
      expect(await names("enabled")).toEqual(["Mango", "zebra"]);
      expect(await names("disabled")).toEqual(["apple"]);
      expect(await names("revoked")).toEqual([]);
    });

    test("remove() removes, once", async ({ expect }) => {
      await using store = await open();
      await store.skills.add(skillOf("weather"));
      expect(await store.skills.remove("weather")).toBe("removed");
      expect(await store.skills.remove("weather")).toBe("not-found");
      expect(await store.skills.find("weather")).toBeUndefined();
    });
  });
}

function skillOf(name: string): InstalledSkill {
  return {
    name,
    version: "1.0.0",
    digest: "d",
    publisher: undefined,
    manifest: { name, tools: [{ name: "now" }] },
    grants: { http: ["https://example.org"] },
    state: { kind: "enabled", sinceMs: 1 },
    installedAtMs: 1,
    installedBy: admin,
    revision: 0,
  };
}
