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

const admin = parseUserId("admin");
const enabled: InstalledSkill = {
  name: "weather",
  version: "1.0.0",
  digest: "d1",
  publisher: undefined,
  manifest: {},
  grants: {},
  state: { kind: "enabled", sinceMs: 1 },
  installedAtMs: 1,
  installedBy: admin,
  revision: 0,
};
const disabled = disableSkill(enabled, admin, 2);
const quarantined = quarantineSkill(enabled, "crashed", 2);
const revoked = revokeSkill(enabled, "withdrawn", 2);

describe("an installed skill", () => {
  const moves: readonly [string, (skill: InstalledSkill) => InstalledSkill, readonly string[]][] = [
    ["enabled", (skill) => enableSkill(skill, 3), ["disabled", "quarantined"]],
    ["disabled", (skill) => disableSkill(skill, admin, 3), ["enabled", "quarantined"]],
    ["quarantined", (skill) => quarantineSkill(skill, "why", 3), ["enabled"]],
    ["revoked", (skill) => revokeSkill(skill, "why", 3), ["enabled", "disabled", "quarantined"]],
  ];

  test.for(moves)("may be %s from some states only", ([to, move, from], { expect }) => {
    for (const skill of [enabled, disabled, quarantined, revoked]) {
      if (from.includes(skill.state.kind)) expect(move(skill).state.kind).toBe(to);
      else expect(() => move(skill)).toThrow(`it is "${skill.state.kind}", expected`);
    }
  });

  test("that is replaced stays disabled, and is enabled otherwise", ({ expect }) => {
    const version = { ...enabled, version: "2.0.0", digest: "d2" };
    const states = [enabled, disabled, quarantined, revoked].map(
      (skill) => replaceSkill(skill, version, 3).state.kind,
    );
    expect(states).toEqual(["enabled", "disabled", "enabled", "enabled"]);
    expect(() => replaceSkill(revoked, enabled, 3)).toThrow(/digest "d1" is it/u);
  });
});
