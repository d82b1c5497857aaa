import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const WASI = "wasi_snapshot_preview1";
const linking = encodeModule({
  imports: [
    { kind: "function", module: WASI, name: "path_symlink", type: "iiiii:i" },
    { kind: "function", module: WASI, name: "fd_prestat_get", type: "ii:i" },
  ],
  memories: [[0, 1]],
  functions: {
    // What prestat says of the first folder: 0 would be a folder that is there.
    try_it: [...wasm.i32(3), ...wasm.i32(0), ...wasm.call(1)],
  },
});

export const linksOutThroughWasi: Attack = {
  name: "links-out-through-wasi",
  group: "escape",
  about: "Makes a link out of a folder with WASI and opens /etc/passwd through it",
  source: "nodejs/uvwasi #226",
  skill: { wasm: linking },
  // As a tool's return code a refusal of WASI, not 0, is a failure.
  expect: ["denied", "failed"],
};
