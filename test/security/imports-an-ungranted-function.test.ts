import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

const importing = encodeModule({
  imports: [{ kind: "function", module: "extism:host/user", name: "now" }],
  functions: { try_it: wasm.i32(0) },
});

attackTest("a module that imports an ungranted clock is not run", async ({ attack, expect }) => {
  const result = await attack({ wasm: importing, capabilities: {} });
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "denied", message: 'The module imports "now": "clock" is not granted' },
  });
});
