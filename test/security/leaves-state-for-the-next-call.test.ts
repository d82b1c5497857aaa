import { attackTest } from "../support/attack-test.ts";
import { createSkill, TOOL } from "../support/skills.ts";

const LEAKING = `
  let calls = 0;
  export function run() {
    calls += 1;
    const seen = [calls, globalThis.secret, [].secret, Symbol.for("secret").secret, /x/.lastIndex];
    globalThis.secret = "mine";
    Array.prototype.secret = "mine";
    Object.prototype.toJSON = undefined;
    JSON.parse = () => "mine";
    Date.now = () => 0;
    return seen.map((each) => each ?? null);
  }`;

attackTest("no call sees what another one left", async ({ runtime, expect }) => {
  const skill = createSkill({ source: LEAKING });
  const request = { skill, tool: TOOL, input: {}, userId: "mallory" };
  for (let count = 0; count < 50; count += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, in the same processes
    const result = await runtime.invoke(request);
    expect(result).toMatchObject({ kind: "ok", output: [1, null, null, null, 0] });
  }
  expect(runtime.stats().processes.length).toBeLessThanOrEqual(4);
});
