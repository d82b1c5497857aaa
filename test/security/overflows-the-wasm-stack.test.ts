import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

const recursive = encodeModule({ functions: { try_it: wasm.call(0) } });

attackTest("a plugin that calls itself without end fails", async ({ attack, expect }) => {
  const result = await attack({ wasm: recursive });
  expect(result).toMatchObject({ kind: "error", error: { code: "failed" } });
});
