import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

const starting = encodeModule({
  functions: {
    try_it: wasm.i32(0),
    begin: [...wasm.loop, ...wasm.branch(0), ...wasm.end, ...wasm.i32(0)],
  },
  start: 1,
});

attackTest("a start function without end is killed at its deadline", async ({ attack, expect }) => {
  const result = await attack({ wasm: starting, limits: { wallMs: 300 } });
  expect(result).toMatchObject({ kind: "error", error: { code: "wall-time" } });
});
