import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const starting = encodeModule({
  functions: {
    try_it: wasm.i32(0),
    begin: { code: [...wasm.loop, ...wasm.branch(0), ...wasm.end], results: [] },
  },
  start: "begin",
});

export const loopsAsItStarts: Attack = {
  name: "loops-as-it-starts",
  group: "cpu",
  about: "Loops in the start function of a plugin, before anything was called",
  source: "Extism js-sdk: no timeout there without a worker",
  skill: { wasm: starting, limits: { wallMs: 300 } },
  expect: ["wall-time"],
};
