import type { Attack } from "../attack.ts";
import { encodeModule, I64, wasm } from "../encode-module.ts";

// n = alloc(8); loop { store(n, ++i); var_set(n, alloc(65536)); continue }
const ENV = "extism:host/env";
const keeping = encodeModule({
  imports: [
    { kind: "function", module: ENV, name: "alloc", type: "I:I" },
    { kind: "function", module: ENV, name: "store_u64", type: "II:" },
    { kind: "function", module: ENV, name: "var_set", type: "II:" },
  ],
  functions: {
    try_it: {
      locals: [[3, I64]],
      code: [
        ...wasm.i64(8n),
        ...wasm.call(0),
        ...wasm.setLocal(0),
        ...wasm.i64(65_536n),
        ...wasm.call(0),
        ...wasm.setLocal(2),
        ...wasm.loop,
        ...wasm.getLocal(1),
        ...wasm.i64(1n),
        ...wasm.add64,
        ...wasm.setLocal(1),
        ...wasm.getLocal(0),
        ...wasm.getLocal(1),
        ...wasm.call(1),
        ...wasm.getLocal(0),
        ...wasm.getLocal(2),
        ...wasm.call(2),
        ...wasm.branch(0),
        ...wasm.end,
        ...wasm.i32(0),
      ],
    },
  },
});

export const keepsVariablesWithoutEnd: Attack = {
  name: "keeps-variables-without-end",
  group: "memory",
  about: "Keeps Extism variables under ever new names",
  skill: { wasm: keeping },
  expect: ["memory"],
};
