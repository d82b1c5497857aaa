import type { Attack } from "../attack.ts";
import { encodeModule, I64, wasm } from "../encode-module.ts";

const returning = encodeModule({
  imports: [
    { kind: "function", module: "extism:host/env", name: "alloc", params: [I64], results: [I64] },
    {
      kind: "function",
      module: "extism:host/env",
      name: "output_set",
      params: [I64, I64],
      results: [],
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
