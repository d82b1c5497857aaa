import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const asking = encodeModule({
  imports: [{ kind: "function", module: "extism:host/env", name: "alloc", type: "I:I" }],
  functions: { try_it: [...wasm.i64(-1n), ...wasm.call(0), ...wasm.drop, ...wasm.i32(0)] },
});

export const asksForAllTheMemoryThereIs: Attack = {
  name: "asks-for-all-the-memory-there-is",
  group: "memory",
  about: "Asks the host for one block of 2^63 bytes",
  skill: { wasm: asking },
  expect: ["memory"],
};
