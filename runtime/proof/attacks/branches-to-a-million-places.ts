import type { Attack } from "../attack.ts";
import { encodeModule, toLeb, wasm } from "../encode-module.ts";

const LABELS = 1_000_000;

function encodeBranching(): Uint8Array {
  const labels = Array.from({ length: LABELS + 1 }, () => 0);
  const branch = [...wasm.i32(0), 0x0e, ...toLeb(LABELS), ...labels];
  return encodeModule({
    functions: { try_it: [...wasm.block, ...branch, ...wasm.end, ...wasm.i32(0)] },
  });
}

export const branchesToAMillionPlaces: Attack = {
  name: "branches-to-a-million-places",
  group: "admission",
  about: "Has a branch table of a million labels",
  skill: () => ({ wasm: encodeBranching(), limits: { wallMs: 2_000 } }),
  expect: ["failed", "denied"],
};
