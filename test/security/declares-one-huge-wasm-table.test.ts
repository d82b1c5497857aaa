import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

const huge = encodeModule({ tables: [10_000_000], functions: { try_it: wasm.i32(0) } });

attackTest("a table of ten million entries is not made", async ({ attack, expect }) => {
  const result = await attack({ wasm: huge });
  expect(result).toMatchObject({ kind: "error", error: { code: "memory" } });
});
