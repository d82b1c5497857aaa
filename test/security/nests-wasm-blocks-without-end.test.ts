import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

const DEPTH = 300_000;
const nest = Array.from({ length: DEPTH }, () => wasm.loop).flat();
const nesting = encodeModule({
  functions: { try_it: [...nest, ...Array.from({ length: DEPTH }, () => 0x0b), ...wasm.i32(0)] },
});

attackTest("blocks nested 300,000 deep are not compiled", async ({ attack, expect }) => {
  const result = await attack({ wasm: nesting });
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "failed", message: expect.stringContaining("2049 nested blocks") },
  });
});
