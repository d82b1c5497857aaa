import type { Attack } from "../attack.ts";
import { encodeModule, I32, wasm } from "../encode-module.ts";

const I32S = (count: number) => Array.from({ length: count }, () => I32);
const waiting = encodeModule({
  imports: [
    {
      kind: "function",
      module: "wasi_snapshot_preview1",
      name: "poll_oneoff",
      params: I32S(4),
      results: [I32],
    },
  ],
  memories: [[0, 1]],
  functions: {
    try_it: [...[0, 512, 1, 1024].flatMap((value) => wasm.i32(value)), ...wasm.call(0)],
  },
});

export const waitsByWasi: Attack = {
  name: "waits-by-wasi",
  group: "cpu",
  about: "Waits ten seconds in WASI's poll_oneoff, which blocks the end of a thread",
  source: "FACTS: poll_oneoff blocks thread termination",
  skill: { wasm: waiting, limits: { wallMs: 2_000 } },
  expect: ["denied", "failed"],
};
