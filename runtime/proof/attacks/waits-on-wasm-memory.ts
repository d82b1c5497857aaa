import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";
import { mentions } from "../verify.ts";

/** `memory.atomic.wait32` without end. */
const WAIT = [0xfe, 0x01, 0x02, 0x00];
const waiting = encodeModule({
  memories: [[0, 1]],
  functions: { try_it: [...wasm.i32(0), ...wasm.i32(0), ...wasm.i64(-1), ...WAIT] },
});

export const waitsOnWasmMemory: Attack = {
  name: "waits-on-wasm-memory",
  group: "admission",
  about: "Waits on its memory without end, which no interrupt of the engine ends",
  skill: { wasm: waiting },
  expect: ["failed"],
  verify: mentions("opcode 0xfe"),
};
