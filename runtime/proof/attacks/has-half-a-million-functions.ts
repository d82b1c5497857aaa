import type { Attack } from "../attack.ts";
import { encodeSections, I32 } from "../encode-module.ts";

const COUNT = 500_000;

function encodeCrowded(): Uint8Array {
  const bodies = Array.from({ length: COUNT }, () => [4, 0, 0x41, 0, 0x0b]);
  return encodeSections([
    [1, [[0x60, 0, 1, I32]]],
    [3, bodies.map(() => [0])],
    [7, [[6, ...Buffer.from("try_it"), 0, 0]]],
    [10, bodies],
  ]);
}

export const hasHalfAMillionFunctions: Attack = {
  name: "has-half-a-million-functions",
  group: "admission",
  about: "Has half a million functions",
  skill: () => ({ wasm: encodeCrowded(), limits: { wallMs: 2_000 } }),
  expect: ["failed", "denied"],
};
