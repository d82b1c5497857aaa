import type { Attack } from "../attack.ts";
import { encodeModule, I64, wasm } from "../encode-module.ts";

const using = encodeModule({
  imports: [
    { kind: "function", module: "extism:host/env", name: "alloc", type: "I:I" },
    { kind: "function", module: "extism:host/env", name: "free", type: "I:" },
    { kind: "function", module: "extism:host/env", name: "output_set", type: "II:" },
  ],
  functions: {
    try_it: {
      locals: [[1, I64]],
      code: [
        ...wasm.i64(65_536n),
        ...wasm.call(0),
        ...wasm.teeLocal(0),
        ...wasm.call(1),
        ...wasm.getLocal(0),
        ...wasm.i64(65_536n),
        ...wasm.call(2),
        ...wasm.i32(0),
      ],
    },
  },
});

export const usesABlockItFreed: Attack = {
  name: "uses-a-block-it-freed",
  group: "escape",
  about: "Gives back a block that it has freed as its output",
  skill: { wasm: using },
  expect: ["failed"],
};
