import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

// loop { if (memory.grow(16) < 0) unreachable; continue }
const growing = encodeModule({
  memories: [[0, 1]],
  functions: {
    try_it: [
      ...wasm.loop,
      ...wasm.i32(16),
      ...wasm.grow,
      ...wasm.isNegative,
      ...wasm.ifThen,
      ...wasm.unreachable,
      ...wasm.end,
      ...wasm.branch(0),
      ...wasm.end,
      ...wasm.i32(0),
    ],
  },
});

export const growsWasmMemoryWithoutEnd: Attack = {
  name: "grows-wasm-memory-without-end",
  group: "memory",
  about: "Grows a plugin's own memory without end",
  source: "Extism js-sdk: maxPages does not bound it",
  skill: { wasm: growing },
  expect: ["memory"],
};
