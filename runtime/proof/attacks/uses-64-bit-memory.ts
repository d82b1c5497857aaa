import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const WIDE = 4;
const wide = encodeModule({ memories: [[WIDE, 1]], functions: { try_it: wasm.i32(0) } });

export const uses64BitMemory: Attack = {
  name: "uses-64-bit-memory",
  group: "admission",
  about: "Declares 64-bit memory",
  skill: { wasm: wide },
  expect: ["denied"],
};
