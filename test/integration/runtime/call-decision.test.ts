import { writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "vitest";
import { openRuntime, type SkillCode } from "../../../runtime/index.ts";
import { createSkill, TOOL } from "../../../runtime/proof/create-skill.ts";
import { policyText } from "../../support/policies.ts";
import { openTempDir } from "../../support/temp-dir.ts";

test("a call that the policy denies is not run; one that it asks about is decided before", async ({
  expect,
}) => {
  const more = "approvals:\n  read: ask\n  tools:\n    skill: { try-it: deny }";
  await using dir = await openTempDir();
  await writeFile(path.join(dir.path, "p.yaml"), policyText({ more }));
  await using runtime = await openRuntime({ policyDir: dir.path, minProcesses: 1 });
  const denied = toReader(createSkill({ name: "skill", body: "return 1;" }));
  const asked = toReader(createSkill({ name: "other", body: "return 2;" }));
  expect(runtime.decide({ skill: denied, tool: TOOL })).toMatchObject({ kind: "denied" });
  expect(runtime.decide({ skill: asked, tool: TOOL })).toMatchObject({
    kind: "asked",
    rule: "p.yaml:17: approvals.read",
  });
  const call = { tool: TOOL, input: {}, userId: "u" };
  expect(await runtime.invoke({ ...call, skill: denied })).toMatchObject({
    kind: "error",
    error: { code: "denied", rule: "p.yaml:19: approvals.tools.skill.try-it" },
  });
  // The runtime knows no people: who calls has asked them.
  expect(await runtime.invoke({ ...call, skill: asked })).toMatchObject({ kind: "ok", output: 2 });
});

function toReader(skill: SkillCode): SkillCode {
  return { ...skill, tools: skill.tools.map((tool) => ({ ...tool, effects: ["read"] })) };
}
