import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";
import { failsWith } from "../verify.ts";

const huge = encodeModule({ memories: [[0, 65_536]], functions: { try_it: wasm.i32(0) } });

export const beginsWithHugeWasmMemory: Attack = {
  name: "begins-with-huge-wasm-memory",
  group: "memory",
  about: "Declares 4 GiB of memory to begin with",
  skill: { wasm: huge },
  expect: ["memory"],
  verify: failsWith({ used: 4096 }),
};
