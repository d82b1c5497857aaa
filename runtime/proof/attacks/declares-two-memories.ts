import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const two = encodeModule({
  memories: [
    [0, 1],
    [0, 1],
  ],
  functions: { try_it: wasm.i32(0) },
});

export const declaresTwoMemories: Attack = {
  name: "declares-two-memories",
  group: "admission",
  about: "Declares two memories, of which one is not watched",
  skill: { wasm: two },
  expect: ["denied", "failed"],
};
