import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const importing = encodeModule({
  imports: [{ kind: "memory", module: "env", name: "memory" }],
  functions: { try_it: wasm.i32(0) },
});

export const importsMemory: Attack = {
  name: "imports-memory",
  group: "admission",
  about: "Imports its memory, which no cap would hold",
  skill: { wasm: importing },
  expect: ["denied"],
};
