import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";
import { mentions } from "../verify.ts";

const DEPTH = 300_000;
const nest = Array.from({ length: DEPTH }, () => wasm.loop).flat();
const nesting = encodeModule({
  functions: { try_it: [...nest, ...Array.from({ length: DEPTH }, () => 0x0b), ...wasm.i32(0)] },
});

export const nestsWasmBlocksWithoutEnd: Attack = {
  name: "nests-wasm-blocks-without-end",
  group: "admission",
  about: "Nests 300,000 blocks",
  skill: { wasm: nesting },
  expect: ["failed"],
  verify: mentions("2049 nested blocks"),
};
