import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const reading = encodeModule({
  imports: [{ kind: "function", module: "extism:host/env", name: "input_load_u64", type: "I:I" }],
  functions: { try_it: [...wasm.i64(1n << 31n), ...wasm.call(0), ...wasm.drop, ...wasm.i32(0)] },
});

export const readsPastItsInput: Attack = {
  name: "reads-past-its-input",
  group: "escape",
  about: "Reads on after the end of its input",
  skill: { wasm: reading },
  expect: ["failed"],
};
