import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const returning = encodeModule({
  imports: [
    { kind: "function", module: "extism:host/env", name: "alloc", type: "I:I" },
    {
      kind: "function",
      module: "extism:host/env",
      name: "output_set",
      type: "II:",
    },
  ],
  functions: {
    try_it: [
      ...wasm.i64(1_048_576n),
      ...wasm.call(0),
      ...wasm.i64(1_048_576n),
      ...wasm.call(1),
      ...wasm.i32(0),
    ],
  },
});

export const pluginReturnsTooMuch: Attack = {
  name: "plugin-returns-too-much",
  group: "output",
  about: "Gives back a megabyte from a plugin",
  skill: { wasm: returning },
  expect: ["output-size"],
};
