import { test } from "vitest";
import { openRuntime } from "../../../runtime/index.ts";
import { createSkill, TOOL } from "../../../runtime/proof/create-skill.ts";
import { POLICY_DIR } from "../../support/policy-dir.ts";

const BODY = `
  const format = new Intl.DateTimeFormat("en", { dateStyle: "short", timeZone: "UTC" });
  return [[0].map(format.format), format.formatToParts(0).length, format.format() !== "1/1/70"];`;

test("a guest formats the date that it gives, and the granted present without one", async ({
  expect,
}) => {
  await using runtime = await openRuntime({ policyDir: POLICY_DIR, maxProcesses: 2 });
  const skill = createSkill({ body: BODY });
  const result = await runtime.invoke({ skill, tool: TOOL, input: {}, userId: "alice" });
  expect(result).toMatchObject({ kind: "ok", output: [["1/1/70"], 5, true] });
});
