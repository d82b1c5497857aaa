import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

const spinning = encodeModule({
  functions: { try_it: [...wasm.loop, ...wasm.branch(0), ...wasm.end, ...wasm.i32(0)] },
});

attackTest("a plugin that loops forever is killed at its deadline", async ({ attack, expect }) => {
  const result = await attack({ wasm: spinning, limits: { wallMs: 300 } });
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "wall-time", limit: 300, rule: "manifest: limits.wallMs" },
  });
});
