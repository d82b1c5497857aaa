import type { SkillCode } from "../../runtime/index.ts";
import { attackTest } from "../support/attack-test.ts";
import { createSkill, TOOL } from "../support/skills.ts";

const PROCESSES = [1, 2] as const;

attackTest(
  "a module that is slow to load costs no other skill its processor time",
  async ({ runtime, expect }) => {
    const names = Array.from({ length: 100_000 }, (_, index) => `export let v${index} = 0;`);
    const slow = createSkill({ source: `${names.join("")} export function run() { return 1; }` });
    const neighbour = createSkill({ body: "return 2;", limits: { cpuMs: 150 } });
    const call = (skill: SkillCode) =>
      runtime.invoke({ skill, tool: TOOL, input: {}, userId: "alice" });
    expect(await call(slow)).toMatchObject({ kind: "ok" });
    const results = await Promise.all(PROCESSES.map(() => call(neighbour)));
    for (const result of results) expect(result).toMatchObject({ kind: "ok", output: 2 });
  },
);
