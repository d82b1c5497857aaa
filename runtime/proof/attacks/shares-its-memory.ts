import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const SHARED = 3;
const sharing = encodeModule({ memories: [[SHARED, 1, 2]], functions: { try_it: wasm.i32(0) } });

export const sharesItsMemory: Attack = {
  name: "shares-its-memory",
  group: "admission",
  about: "Declares shared memory",
  skill: { wasm: sharing },
  expect: ["denied"],
};
