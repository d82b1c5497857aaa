import { attackTest } from "../support/attack-test.ts";
import { encodeSections } from "../support/wasm-module.ts";

/** An array type of the garbage-collected kind: its values would live in the host's heap. */
const ARRAY_OF_I64 = [0x5e, 0x7e, 1];
const body = [0, 0x41, 0xff, 0xff, 0xff, 0x3f, 0xfb, 0x07, 0, 0x1a, 0x41, 0, 0x0b];
const allocating = encodeSections([
  [1, [ARRAY_OF_I64, [0x60, 0, 1, 0x7f]]],
  [3, [[1]]],
  [7, [[6, ...Buffer.from("try_it"), 0, 0]]],
  [10, [[body.length, ...body]]],
]);

attackTest("arrays in the host's own heap are not made", async ({ attack, expect }) => {
  const result = await attack({ wasm: allocating });
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "failed", message: expect.stringContaining("expected the type of a function") },
  });
});
