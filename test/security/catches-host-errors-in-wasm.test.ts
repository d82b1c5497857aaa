import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

/** `try`, a host function that throws, `catch_all`: the plugin would live on. */
const catching = encodeModule({
  imports: [{ kind: "function", module: "extism:host/env", name: "load_u64", type: "I:I" }],
  functions: {
    try_it: [0x06, 0x40, ...wasm.i64(0), ...wasm.call(0), ...wasm.drop, 0x19, 0x0b, ...wasm.i32(0)],
  },
});

attackTest("a plugin that would catch the host's errors is not run", async ({ attack, expect }) => {
  const result = await attack({ wasm: catching });
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "failed", message: expect.stringContaining("opcode 0x06") },
  });
});
