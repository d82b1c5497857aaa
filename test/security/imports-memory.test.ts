import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

const importing = encodeModule({
  imports: [{ kind: "memory", module: "env", name: "memory" }],
  functions: { try_it: wasm.i32(0) },
});

attackTest("a module that imports its memory is not run", async ({ attack, expect }) => {
  const result = await attack({ wasm: importing });
  expect(result).toMatchObject({ kind: "error", error: { code: "denied" } });
});
