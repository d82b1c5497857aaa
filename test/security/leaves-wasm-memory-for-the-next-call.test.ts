import { attackTest } from "../support/attack-test.ts";
import { createSkill, TOOL } from "../support/skills.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

const ADDRESS = wasm.i32(64);
const LOAD = [0x28, 0x02, 0x00];
// Gives what the address holds, as the tool's return code, and leaves 7 there.
const leaking = encodeModule({
  memories: [[0, 1]],
  functions: {
    try_it: [...ADDRESS, ...LOAD, ...ADDRESS, ...wasm.i32(7), ...wasm.store],
  },
});

attackTest("no plugin call sees the memory of another one", async ({ runtime, expect }) => {
  const skill = createSkill({ wasm: leaking });
  const request = { skill, tool: TOOL, input: {}, userId: "mallory" };
  for (let count = 0; count < 10; count += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, in the same processes
    expect(await runtime.invoke(request)).toMatchObject({ kind: "ok", output: null });
  }
});
