import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";
import { mentions } from "../verify.ts";

const DEPTH = 300_000;

function encodeNest(): Uint8Array {
  const nest = Array.from({ length: DEPTH }, () => wasm.loop).flat();
  const ends = Array.from({ length: DEPTH }, () => 0x0b);
  return encodeModule({ functions: { try_it: [...nest, ...ends, ...wasm.i32(0)] } });
}

export const nestsWasmBlocksWithoutEnd: Attack = {
  name: "nests-wasm-blocks-without-end",
  group: "admission",
  about: "Nests 300,000 blocks",
  skill: () => ({ wasm: encodeNest() }),
  expect: ["failed"],
  verify: mentions("2049 nested blocks"),
};
