import type { Attack } from "../attack.ts";
import { encodeModule, I32, wasm } from "../encode-module.ts";

const I32S = (count: number) => Array.from({ length: count }, () => I32);
const WASI = "wasi_snapshot_preview1";
const linking = encodeModule({
  imports: [
    { kind: "function", module: WASI, name: "path_symlink", params: I32S(5), results: [I32] },
    { kind: "function", module: WASI, name: "fd_prestat_get", params: I32S(2), results: [I32] },
  ],
  memories: [[0, 1]],
  functions: {
    // What prestat says of the first folder: 0 would be a folder that is there.
    try_it: [...wasm.i32(3), ...wasm.i32(0), ...wasm.call(1)],
  },
});

export const opensFilesByWasi: Attack = {
  name: "opens-files-by-wasi",
  group: "escape",
  about: "Makes a link out of a folder with WASI and opens /etc/passwd through it",
  source: "nodejs/uvwasi #226",
  skill: { wasm: linking },
  // As a tool's return code a refusal of WASI, not 0, is a failure.
  expect: ["denied", "failed"],
};
