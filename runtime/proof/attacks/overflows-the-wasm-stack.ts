import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

export const overflowsTheWasmStack: Attack = {
  name: "overflows-the-wasm-stack",
  group: "cpu",
  about: "Calls itself without end in a plugin",
  skill: { wasm: encodeModule({ functions: { try_it: wasm.call(0) } }) },
  expect: ["failed"],
};
