import type { Attack } from "../attack.ts";
import { encodeModule, I64, wasm } from "../encode-module.ts";

const OUTPUT = "extism:host/env";
// fill(alloc(n)) with "[", eight at a time, and give it back
const bomb = encodeModule({
  imports: [
    { kind: "function", module: OUTPUT, name: "alloc", type: "I:I" },
    { kind: "function", module: OUTPUT, name: "store_u64", type: "II:" },
    { kind: "function", module: OUTPUT, name: "output_set", type: "II:" },
  ],
  functions: {
    try_it: {
      locals: [[2, I64]],
      code: [
        ...wasm.i64(200_000n),
        ...wasm.call(0),
        ...wasm.setLocal(0),
        ...wasm.loop,
        ...wasm.getLocal(0),
        ...wasm.getLocal(1),
        ...wasm.add64,
        ...wasm.i64(0x5b5b_5b5b_5b5b_5b5bn),
        ...wasm.call(1),
        ...wasm.getLocal(1),
        ...wasm.i64(8n),
        ...wasm.add64,
        ...wasm.teeLocal(1),
        // i64.lt_u with the length
        ...wasm.i64(200_000n),
        0x54,
        0x0d,
        0,
        ...wasm.end,
        ...wasm.getLocal(0),
        ...wasm.i64(200_000n),
        ...wasm.call(2),
        ...wasm.i32(0),
      ],
    },
  },
});

export const pluginReturnsAJsonBomb: Attack = {
  name: "plugin-returns-a-json-bomb",
  group: "output",
  about: "Gives back 200,000 open brackets from a plugin",
  skill: { wasm: bomb },
  expect: ["invalid-output"],
};
