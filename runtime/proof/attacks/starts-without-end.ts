import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const starting = encodeModule({
  functions: {
    try_it: wasm.i32(0),
    begin: [...wasm.loop, ...wasm.branch(0), ...wasm.end, ...wasm.i32(0)],
  },
  start: 1,
});

export const startsWithoutEnd: Attack = {
  name: "starts-without-end",
  group: "cpu",
  about: "Loops in the start function of a plugin, before anything was called",
  source: "Extism js-sdk: no timeout there without a worker",
  skill: { wasm: starting, limits: { wallMs: 300 } },
  expect: ["wall-time"],
};
