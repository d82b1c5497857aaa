import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const spinning = encodeModule({
  functions: { try_it: [...wasm.loop, ...wasm.branch(0), ...wasm.end, ...wasm.i32(0)] },
});

export const wasmBurnsProcessorTime: Attack = {
  name: "wasm-burns-processor-time",
  group: "cpu",
  about: "Loops in a plugin with little processor time",
  skill: { wasm: spinning, limits: { cpuMs: 150 } },
  expect: ["cpu-time"],
};
