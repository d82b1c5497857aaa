import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";
import { failsWith } from "../verify.ts";

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

export const waitsThroughWasi: Attack = {
  name: "waits-through-wasi",
  group: "cpu",
  about: "Waits an hour in WASI's poll_oneoff, which would block the end of its thread",
  source: "node:wasi: poll_oneoff blocks terminate()",
  skill: { wasm: waiting },
  expect: ["failed"],
  verify: failsWith({ message: `The tool returned ${NOT_THERE}` }),
};
