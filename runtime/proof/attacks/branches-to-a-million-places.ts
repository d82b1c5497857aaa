import type { Attack } from "../attack.ts";
import { encodeModule, toLeb, wasm } from "../encode-module.ts";

const LABELS = 1_000_000;
const labels = Array.from({ length: LABELS + 1 }, () => 0);
const branching = encodeModule({
  functions: {
    try_it: [
      ...wasm.block,
      ...wasm.i32(0),
      0x0e,
      ...toLeb(LABELS),
      ...labels,
      ...wasm.end,
      ...wasm.i32(0),
    ],
  },
});

export const branchesToAMillionPlaces: Attack = {
  name: "branches-to-a-million-places",
  group: "admission",
  about: "Has a branch table of a million labels",
  skill: { wasm: branching, limits: { wallMs: 2_000 } },
  expect: ["failed", "denied"],
};
