import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

// loop { if (memory.grow(16) < 0) unreachable; continue }
const growing = encodeModule({
  memories: [[0, 1]],
  functions: {
    try_it: [
      ...wasm.loop,
      ...wasm.i32(16),
      ...wasm.grow,
      ...wasm.isNegative,
      ...wasm.ifThen,
      ...wasm.unreachable,
      ...wasm.end,
      ...wasm.branch(0),
      ...wasm.end,
      ...wasm.i32(0),
    ],
  },
});

attackTest("memory.grow without end meets the memory limit", async ({ attack, expect }) => {
  const result = await attack({ wasm: growing });
  expect(result).toMatchObject({
    kind: "error",
    error: {
      code: "memory",
      limit: 64,
      rule: expect.stringMatching(/^default\.yaml:\d+: ceiling\.memoryMiB$/u),
    },
  });
});
