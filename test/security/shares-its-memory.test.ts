import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

const SHARED = 3;
const sharing = encodeModule({ memories: [[SHARED, 1, 2]], functions: { try_it: wasm.i32(0) } });

attackTest("a module with shared memory is not run", async ({ attack, expect }) => {
  const result = await attack({ wasm: sharing });
  expect(result).toMatchObject({ kind: "error", error: { code: "denied" } });
});
