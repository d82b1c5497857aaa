import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

const WIDE = 4;
const wide = encodeModule({ memories: [[WIDE, 1]], functions: { try_it: wasm.i32(0) } });

attackTest("a module with 64-bit memory is not run", async ({ attack, expect }) => {
  const result = await attack({ wasm: wide });
  expect(result).toMatchObject({ kind: "error", error: { code: "denied" } });
});
