import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";
import { failsWith } from "../verify.ts";

const BAD_ADDRESS = 21;
/** The last bytes of a page, where 24 bytes do not fit. */
const AT = 65_536 - 8;
const writing = encodeModule({
  imports: [
    { kind: "function", module: "wasi_snapshot_preview1", name: "fd_fdstat_get", type: "ii:i" },
  ],
  memories: [[0, 1]],
  functions: { try_it: [...wasm.i32(1), ...wasm.i32(AT), ...wasm.call(0)] },
});

export const writesPastItsMemoryThroughWasi: Attack = {
  name: "writes-past-its-memory-through-wasi",
  group: "escape",
  about: "Has WASI write past the end of its memory",
  skill: { wasm: writing },
  expect: ["failed"],
  verify: failsWith({ message: `The tool returned ${BAD_ADDRESS}` }),
};
