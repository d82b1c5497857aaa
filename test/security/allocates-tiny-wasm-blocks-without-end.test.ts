import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

const allocating = encodeModule({
  imports: [{ kind: "function", module: "extism:host/env", name: "alloc", type: "I:I" }],
  functions: {
    try_it: [
      ...wasm.loop,
      ...wasm.i64(1),
      ...wasm.call(0),
      ...wasm.drop,
      ...wasm.branch(0),
      ...wasm.end,
      ...wasm.i32(0),
    ],
  },
});

attackTest("blocks of one byte without end meet the memory limit", async ({ attack, expect }) => {
  const result = await attack({ wasm: allocating, limits: { memoryMiB: 16 } });
  expect(result).toMatchObject({ kind: "error", error: { code: "memory", limit: 16 } });
});
