import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const asking = encodeModule({
  imports: [{ kind: "function", module: "extism:host/env", name: "alloc", type: "I:I" }],
  functions: {
    try_it: [
      ...wasm.loop,
      ...wasm.i64(1n),
      ...wasm.call(0),
      ...wasm.drop,
      ...wasm.branch(0),
      ...wasm.end,
      ...wasm.i32(0),
    ],
  },
});

export const allocatesTinyWasmBlocksWithoutEnd: Attack = {
  name: "allocates-tiny-wasm-blocks-without-end",
  group: "memory",
  about: "Asks the host for single bytes without end, so that only the bookkeeping grows",
  skill: { wasm: asking, limits: { memoryMiB: 16 } },
  expect: ["memory"],
};
