import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

const BAD_ADDRESS = 21;
/** The last bytes of a page, where 24 bytes do not fit. */
const AT = 65_536 - 8;
const writing = encodeModule({
  imports: [
    { kind: "function", module: "wasi_snapshot_preview1", name: "fd_fdstat_get", type: "ii:i" },
  ],
  memories: [[0, 1]],
  functions: { try_it: [...wasm.i32(1), ...wasm.i32(AT), ...wasm.call(0)] },
});

attackTest("WASI writes inside a plugin's memory only", async ({ attack, expect }) => {
  const result = await attack({ wasm: writing });
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "failed", message: `The tool returned ${BAD_ADDRESS}` },
  });
});
