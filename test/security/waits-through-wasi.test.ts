import { attackTest } from "../support/attack-test.ts";
import { encodeModule, wasm } from "../support/wasm-module.ts";

const NOT_THERE = 52;
/** A subscription to the clock, an hour from now. */
const HOUR_NS = [0x00, 0xa0, 0xb8, 0x30, 0x46, 0x03, 0, 0];
const SUBSCRIPTION = [...Array.from({ length: 24 }, () => 0), ...HOUR_NS];
const waiting = encodeModule({
  imports: [
    { kind: "function", module: "wasi_snapshot_preview1", name: "poll_oneoff", type: "iiii:i" },
  ],
  memories: [[0, 1]],
  data: SUBSCRIPTION,
  functions: {
    try_it: [...[0, 128, 1, 256].flatMap((value) => wasm.i32(value)), ...wasm.call(0)],
  },
});

attackTest("WASI does not wait for a plugin", async ({ attack, expect }) => {
  const result = await attack({ wasm: waiting });
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "failed", message: `The tool returned ${NOT_THERE}` },
  });
});
