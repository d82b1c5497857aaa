import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

// loop { alloc(1 MiB); continue }
const asking = encodeModule({
  imports: [{ kind: "function", module: "extism:host/env", name: "alloc", type: "I:I" }],
  functions: {
    try_it: [
      ...wasm.loop,
      ...wasm.i64(1_048_576n),
      ...wasm.call(0),
      ...wasm.drop,
      ...wasm.branch(0),
      ...wasm.end,
      ...wasm.i32(0),
    ],
  },
});

export const asksTheHostForBlocks: Attack = {
  name: "asks-the-host-for-blocks",
  group: "memory",
  about: "Asks the host for blocks of memory without end",
  source: "Extism js-sdk: checked after the allocation",
  skill: { wasm: asking },
  expect: ["memory"],
};
