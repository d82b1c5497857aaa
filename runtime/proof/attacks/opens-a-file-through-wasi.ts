import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";
import { failsWith } from "../verify.ts";

const BAD_FILE = 8;
const PATH = "../../../../etc/passwd";
const arguments_ = [3, 0, 0, PATH.length, 0, -1, -1, 0, 64];
const push = arguments_.map((value, at) =>
  at === 5 || at === 6 ? wasm.i64(value) : wasm.i32(value),
);
const opening = encodeModule({
  imports: [
    {
      kind: "function",
      module: "wasi_snapshot_preview1",
      name: "path_open",
      type: "iiiiiIIii:i",
    },
  ],
  memories: [[0, 1]],
  data: [...Buffer.from(PATH)],
  functions: { try_it: [...push.flat(), ...wasm.call(0)] },
});

export const opensAFileThroughWasi: Attack = {
  name: "opens-a-file-through-wasi",
  group: "escape",
  about: "Opens /etc/passwd with WASI",
  skill: { wasm: opening },
  expect: ["failed"],
  verify: failsWith({ message: `The tool returned ${BAD_FILE}` }),
};
