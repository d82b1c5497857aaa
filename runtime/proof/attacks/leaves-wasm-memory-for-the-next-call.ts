import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";
import { gives } from "../verify.ts";

// Gives what the address holds, as the tool's return code, and leaves 7 there.
const ADDRESS = wasm.i32(64);
const leaking = encodeModule({
  memories: [[0, 1]],
  functions: {
    try_it: [...ADDRESS, ...wasm.load, ...ADDRESS, ...wasm.i32(7), ...wasm.store],
  },
});

export const leavesWasmMemoryForTheNextCall: Attack = {
  name: "leaves-wasm-memory-for-the-next-call",
  group: "state-leak",
  about: "Leaves a value in a plugin's memory and looks for it, ten times",
  skill: { wasm: leaking },
  calls: Array.from({ length: 10 }, () => ({})),
  expect: ["ok"],
  verify: gives(null),
};
