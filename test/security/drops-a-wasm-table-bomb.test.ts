import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

const bomb = encodeModule({
  tables: Array.from({ length: 20 }, () => 10_000_000),
  functions: { try_it: wasm.i32(0) },
});

attackTest("twenty tables of ten million entries are not made", async ({ attack, expect }) => {
  const result = await attack({ wasm: bomb });
  expect(result).toMatchObject({ kind: "error", error: { code: "memory" } });
});
