import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

const BAD_FILE = 8;
const PATH = "../../../../etc/passwd";
const arguments_ = [3, 0, 0, PATH.length, 0, -1, -1, 0, 64];
const push = arguments_.map((value, at) =>
  at === 5 || at === 6 ? wasm.i64(value) : wasm.i32(value),
);
const opening = encodeModule({
  imports: [
    {
      kind: "function",
      module: "wasi_snapshot_preview1",
      name: "path_open",
      type: "iiiiiIIii:i",
    },
  ],
  memories: [[0, 1]],
  data: [...Buffer.from(PATH)],
  functions: { try_it: [...push.flat(), ...wasm.call(0)] },
});

attackTest("WASI has no folder to open a file in", async ({ attack, expect }) => {
  const result = await attack({ wasm: opening });
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "failed", message: `The tool returned ${BAD_FILE}` },
  });
});
