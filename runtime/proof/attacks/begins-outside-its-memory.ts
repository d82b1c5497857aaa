import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const outside = encodeModule({
  memories: [[0, 0]],
  functions: { try_it: wasm.i32(0) },
  data: Array.from({ length: 1_000 }, () => 7),
});

export const beginsOutsideItsMemory: Attack = {
  name: "begins-outside-its-memory",
  group: "admission",
  about: "Copies data to addresses behind its memory",
  skill: { wasm: outside },
  expect: ["failed"],
};
