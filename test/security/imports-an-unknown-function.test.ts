import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

const importing = encodeModule({
  imports: [{ kind: "function", module: "env", name: "system" }],
  functions: { try_it: wasm.i32(0) },
});

attackTest("a module that imports what no host has is not run", async ({ attack, expect }) => {
  const result = await attack({ wasm: importing });
  expect(result).toMatchObject({
    kind: "error",
    error: {
      code: "denied",
      message: expect.stringContaining('the module imports "env.system", which no host has'),
    },
  });
});
