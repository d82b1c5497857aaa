import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

/** Grows by 10,000 null references at a time until the engine says no. */
const GROW = [0xd0, 0x70, ...wasm.i32(10_000), 0xfc, 0x0f, 0];
const SIZE = [0xfc, 0x10, 0];
const growing = encodeModule({
  tables: [0],
  functions: {
    try_it: [
      0x02,
      0x40,
      ...wasm.loop,
      ...GROW,
      ...wasm.isNegative,
      0x0d,
      1,
      ...wasm.branch(0),
      ...wasm.end,
      ...wasm.end,
      ...SIZE,
    ],
  },
});

attackTest("a table grows to its cap and no further", async ({ attack, expect }) => {
  const result = await attack({ wasm: growing });
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "failed", message: "The tool returned 60000" },
  });
});
