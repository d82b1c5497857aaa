import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const DEPTH = 100_000;
const repeated = (bytes: readonly number[]) => Array.from({ length: DEPTH }, () => bytes).flat();
const nested = encodeModule({
  functions: { try_it: [...repeated(wasm.block), ...repeated(wasm.end), ...wasm.i32(0)] },
});

export const nestsBlocksWithoutEnd: Attack = {
  name: "nests-blocks-without-end",
  group: "admission",
  about: "Nests a hundred thousand blocks",
  skill: { wasm: nested, limits: { wallMs: 2_000 } },
  expect: ["failed", "denied"],
};
