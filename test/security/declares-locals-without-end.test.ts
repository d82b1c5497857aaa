import { attackTest } from "../support/attack-test.ts";
import { encodeSections } from "../support/wasm-module.ts";

const TYPE = [0x60, 0, 0];
const FOUR_BILLION_LOCALS = [1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f];
const body = [...FOUR_BILLION_LOCALS, 0x0b];
const declaring = encodeSections([
  [1, [TYPE]],
  [3, [[0]]],
  [7, [[6, ...Buffer.from("try_it"), 0, 0]]],
  [10, [[body.length, ...body]]],
]);

attackTest("a function of four billion locals is not compiled", async ({ attack, expect }) => {
  const result = await attack({ wasm: declaring });
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "failed", message: expect.stringContaining("4294967295 locals in a function") },
  });
});
