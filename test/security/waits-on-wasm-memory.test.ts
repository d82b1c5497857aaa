import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

/** `memory.atomic.wait32` without end, which no interrupt of the engine ends. */
const WAIT = [0xfe, 0x01, 0x02, 0x00];
const waiting = encodeModule({
  memories: [[0, 1]],
  functions: { try_it: [...wasm.i32(0), ...wasm.i32(0), ...wasm.i64(-1), ...WAIT] },
});

attackTest("an atomic wait is not compiled", async ({ attack, expect }) => {
  const result = await attack({ wasm: waiting });
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "failed", message: expect.stringContaining("opcode 0xfe") },
  });
});
