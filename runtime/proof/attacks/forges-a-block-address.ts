import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const forging = encodeModule({
  imports: [
    { kind: "function", module: "extism:host/env", name: "load_u64", type: "I:I" },
    { kind: "function", module: "extism:host/env", name: "output_set", type: "II:" },
  ],
  functions: {
    try_it: [
      ...wasm.i64(0x7fff_0000_0000n),
      ...wasm.call(0),
      ...wasm.drop,
      ...wasm.i64(1n << 32n),
      ...wasm.i64(1n << 40n),
      ...wasm.call(1),
      ...wasm.i32(0),
    ],
  },
});

export const forgesABlockAddress: Attack = {
  name: "forges-a-block-address",
  group: "escape",
  about: "Reads through addresses that the host never gave a plugin",
  skill: { wasm: forging },
  expect: ["failed"],
};
