import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";
import { mentions } from "../verify.ts";

/** `try`, a host function that throws, `catch_all`. */
const catching = encodeModule({
  imports: [{ kind: "function", module: "extism:host/env", name: "load_u64", type: "I:I" }],
  functions: {
    try_it: [0x06, 0x40, ...wasm.i64(0), ...wasm.call(0), ...wasm.drop, 0x19, 0x0b, ...wasm.i32(0)],
  },
});

export const catchesHostErrorsInWasm: Attack = {
  name: "catches-host-errors-in-wasm",
  group: "escape",
  about: "Catches the host's errors in a plugin to live on after them",
  source: "vm2 GHSA-ffh4-j6h5-pg66",
  skill: { wasm: catching },
  expect: ["failed"],
  verify: mentions("opcode 0x06"),
};
