import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const huge = encodeModule({ tables: [10_000_000], functions: { try_it: wasm.i32(0) } });

export const declaresOneHugeWasmTable: Attack = {
  name: "declares-one-huge-wasm-table",
  group: "memory",
  about: "Declares a table of ten million entries",
  skill: { wasm: huge },
  expect: ["memory"],
};
