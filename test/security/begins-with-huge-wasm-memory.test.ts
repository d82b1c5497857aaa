import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

const huge = encodeModule({ memories: [[0, 65_536]], functions: { try_it: wasm.i32(0) } });

attackTest(
  "a module that begins with 4 GiB of memory is not loaded",
  async ({ attack, expect }) => {
    const result = await attack({ wasm: huge });
    expect(result).toMatchObject({
      kind: "error",
      error: { code: "memory", limit: 64, used: 4096 },
    });
  },
);
