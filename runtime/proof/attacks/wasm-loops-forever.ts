import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const spinning = encodeModule({
  functions: { try_it: [...wasm.loop, ...wasm.branch(0), ...wasm.end, ...wasm.i32(0)] },
});

export const wasmLoopsForever: Attack = {
  name: "wasm-loops-forever",
  group: "cpu",
  about: "Loops in a plugin past its deadline",
  skill: { wasm: spinning, limits: { wallMs: 300 } },
  expect: ["wall-time"],
};
