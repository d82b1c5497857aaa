import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const empty = encodeModule({ memories: [[0, 1]], functions: { other: wasm.i32(0) } });

export const isNoTool: Attack = {
  name: "is-no-tool",
  group: "admission",
  about: "Exports a memory under the name of its tool",
  skill: { wasm: empty },
  expect: ["failed"],
};
